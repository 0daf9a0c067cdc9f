//! A JWT in a file that `GLASS_TOKEN_FILE` names. Tools that read such a file read it again for each
//! use, as they do with the token files of Kubernetes and AWS.

use std::path::Path;

use super::{Given, Laid, Unfit};

const FILE: &str = "token";

pub(super) fn lay(folder: &Path, given: Given<'_>) -> Result<Laid, Unfit> {
    let Given::Jwt(token) = given else {
        return Err(Unfit::kind("a token file"));
    };
    let mut laid = Laid::default();
    let path = laid.file(folder, FILE, token);
    laid.set("GLASS_TOKEN_FILE", path);
    Ok(laid)
}
