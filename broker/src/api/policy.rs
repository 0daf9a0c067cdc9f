//! `PolicyService`: who can do what.

use breakglass_proto::v1::{self, policy_service_server::PolicyService};
use tonic::{Request, Response, Status};

use super::convert;
use super::desk::Desk;

#[tonic::async_trait]
impl PolicyService for Desk {
    async fn get_policy(
        &self,
        request: Request<v1::GetPolicyRequest>,
    ) -> Result<Response<v1::GetPolicyResponse>, Status> {
        self.admitted(request)?;
        let in_force = self.app.policy().await?;
        let people = in_force.policy.people.keys();
        let people = people.filter_map(|person| in_force.policy.can(person));
        Ok(Response::new(v1::GetPolicyResponse {
            text: in_force.policy.text.to_string(),
            people: people.map(|person| convert::can(&person)).collect(),
            sha256: in_force.sha256,
            entry: in_force.entry,
            loaded_at: Some(convert::time(in_force.loaded_at)),
        }))
    }

    async fn can(
        &self,
        request: Request<v1::CanRequest>,
    ) -> Result<Response<v1::CanResponse>, Status> {
        let (caller, asked) = self.admitted(request)?;
        let person = convert::optional("person", &asked.person)?;
        let right = convert::optional("right", &asked.right)?;
        let person = person.as_ref().unwrap_or(&caller.person);
        let can = self.app.can(person, right.as_ref())?;
        let ways = self.app.ways();
        let id = person;
        let mut person = convert::can(&can);
        for verdict in &mut person.verdicts {
            let Ok(right) = verdict.right.parse() else {
                continue;
            };
            if let Some(why) = self.app.held_up(id, &right) {
                verdict.held_up = why.to_string();
                verdict.held_up_next = why.next();
            }
            let right = ways.policy.rights.get(&right);
            verdict.access = right.map(|right| convert::access(&ways, right));
        }
        Ok(Response::new(v1::CanResponse {
            person: Some(person),
        }))
    }
}
