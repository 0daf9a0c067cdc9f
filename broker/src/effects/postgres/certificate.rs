//! Sessions that were opened with a client certificate, for a role that several share.

use tokio_postgres::types::Type;

use super::error::PostgresError;
use super::{GroupRole, Postgres};

impl Postgres {
    /// Ends the sessions of one certificate, and of no other person in the same role; how many.
    ///
    /// The server still takes the certificate until it expires, so this is to be called again and
    /// again until then, unless the server is given a revocation list.
    ///
    /// # Errors
    /// [`PostgresError`].
    pub async fn end_certificate(
        &self,
        role: &GroupRole,
        serial: u128,
    ) -> Result<u64, PostgresError> {
        let _admitted = self.urgent().await;
        let session = self.connect().await?;
        let ended = session
            .query(
                "SELECT breakglass.end_certificate($1, $2::numeric)",
                &[
                    (&role.as_str(), Type::TEXT),
                    (&serial.to_string(), Type::TEXT),
                ],
            )
            .await?;
        let count: i64 = match ended.first() {
            Some(row) => session.column(row, 0)?,
            None => 0,
        };
        Ok(u64::try_from(count).unwrap_or(0))
    }
}
