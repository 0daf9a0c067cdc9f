//! What a policy allows and its author may not have meant.

use super::Policy;

impl Policy {
    /// Sentences about what is allowed but looks like an oversight; none of them stops a load.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        Vec::new()
    }
}
