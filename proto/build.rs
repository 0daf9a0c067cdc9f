//! Turns `breakglass/v1/*.proto` into Rust without any `protoc` on the machine.
//!
//! protox parses and links the files in-process; `compile_fds` does not honour
//! `file_descriptor_set_path`, so the set that gRPC reflection serves is written out here.
use prost::Message as _;
use std::{env, error::Error, fs, path::PathBuf};

const FOLDER: &str = "breakglass/v1";

fn main() -> Result<(), Box<dyn Error>> {
    // The folder, not single files: a new or renamed .proto must also re-run this.
    println!("cargo:rerun-if-changed={FOLDER}");
    let mut files = Vec::new();
    for file in fs::read_dir(FOLDER)? {
        let path = file?.path();
        if path.extension().is_some_and(|ending| ending == "proto") {
            files.push(path);
        }
    }
    files.sort();

    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_source_info(true).include_imports(true);
    compiler.open_files(&files)?;
    let descriptors = compiler.file_descriptor_set();

    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        // Credentials and tokens must never reach a `{:?}`.
        .skip_debug([
            ".breakglass.v1.Credential",
            ".breakglass.v1.EnrollRequest",
            ".breakglass.v1.InvitePersonResponse",
            ".breakglass.v1.InviteTargetResponse",
        ])
        .compile_fds(descriptors)?;
    Ok(())
}
