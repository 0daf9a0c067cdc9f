//! The AWS CLI and moto, with what `glass exec` lays and with `glass` as `credential_process`.

use std::fs;
use std::path::Path;
use std::process::Command;

use breakglass_client::exec::place::aws::{Aws, session_name};
use breakglass_client::exec::place::{Given, Place, aws_cache};
use breakglass_tests::laid::{LaidOut, bare};
use breakglass_tests::moto::Moto;
use breakglass_tests::papers::Papers;
use breakglass_tests::playground::{Output, Playground, Process, binary};
use jiff::{SignedDuration, Timestamp};

const ROLE: &str = "arn:aws:iam::123456789012:role/shop-deploy";
const SESSION: &str = "arn:aws:sts::123456789012:assumed-role/shop-deploy";
const WHO: [&str; 2] = ["sts", "get-caller-identity"];

fn place() -> Place {
    Place::Aws(Aws {
        role_arn: ROLE.into(),
        region: Some("eu-central-1".into()),
        session_name: session_name("mia", "G-45"),
    })
}

fn arn(said: &Output) -> String {
    assert_eq!(said.code, 0, "{said}");
    said.json()["Arn"].as_str().expect("an ARN").to_owned()
}

/// The CLI as somebody has it who has keys of their own everywhere.
fn cli_with_other_keys(home: &Path, proxy: &Moto) -> Command {
    let folder = home.join(".aws");
    fs::create_dir_all(&folder).expect("a folder");
    let keys = "aws_access_key_id = AKIAOWN\naws_secret_access_key = own\n";
    fs::write(folder.join("credentials"), format!("[default]\n{keys}")).expect("a file");
    let config = format!("[default]\nrole_arn = {ROLE}-own\nsource_profile = own\n[profile own]\n");
    fs::write(folder.join("config"), config + keys).expect("a file");
    let mut command = bare("aws", home);
    command
        .env("AWS_ACCESS_KEY_ID", "AKIAOWN")
        .env("AWS_SECRET_ACCESS_KEY", "own")
        .env("AWS_SESSION_TOKEN", "own")
        .env("AWS_PROFILE", "own")
        // Old ones cannot be told where to take a role, so every name of AWS is moto's.
        .env("HTTPS_PROXY", proxy.url())
        .env("AWS_CA_BUNDLE", Moto::proxy_authority());
    command
}

#[test]
fn the_cli_takes_the_role_under_the_name_of_person_and_grant_and_nobodys_own_keys() {
    let proxy = Moto::proxy();
    let home = tempfile::tempdir().expect("a home");
    let laid = LaidOut::with(place(), Given::Jwt("one.one.one"));
    let command = laid.over(cli_with_other_keys(home.path(), &proxy), &WHO);
    let said = Process::spawn(command).finishes();
    assert_eq!(arn(&said), format!("{SESSION}/mia@G-45"));

    // What it kept of that is removed with the rest.
    let cache = home.path().join(".aws/cli/cache");
    let kept = || fs::read_dir(&cache).map_or(0, Iterator::count);
    assert_eq!(
        kept(),
        1,
        "if the CLI keeps nothing any more, say so in docs/targets/aws.md"
    );
    assert_eq!(
        aws_cache::forget(home.path(), "mia@G-44").expect("it is ours"),
        0
    );
    assert_eq!(
        aws_cache::forget(home.path(), "mia@G-45").expect("it is ours"),
        1
    );
    assert_eq!(kept(), 0);
}

/// Mia's laptop, and a grant she has.
fn night() -> (Playground, String) {
    let playground = Playground::begins();
    let incident = playground.opens("the worker floods");
    let words = [
        "request",
        "revert-config",
        "--incident",
        &incident,
        "-m",
        "look",
    ];
    playground.done("mia", &words);
    (playground, incident)
}

const CREDENTIAL: [&str; 5] = ["credential", "aws", "revert-config", "--role-arn", ROLE];

/// Runs `glass credential aws` as Mia, with these variables.
fn credential(playground: &Playground, variables: &[(&str, &str)]) -> Output {
    let mut command = playground.glass_command("mia", &CREDENTIAL);
    command.envs(variables.iter().copied());
    Process::spawn(command).finishes()
}

#[test]
fn the_cli_runs_glass_as_its_credential_process() {
    let moto = Moto::begins();
    let (playground, incident) = night();
    let config = playground.path("aws config");
    let process = format!("\"{}\" {}", binary("glass").display(), CREDENTIAL.join(" "));
    let profile = format!("[profile ops]\nregion = eu-central-1\ncredential_process = {process}\n");
    fs::write(&config, profile).expect("a file");
    let aws = || {
        let mut command = bare("aws", &playground.path("home"));
        command
            .args(["--profile", "ops", "--endpoint-url", moto.url()])
            .args(WHO)
            .env("AWS_CONFIG_FILE", &config)
            .env("AWS_ENDPOINT_URL", moto.url())
            .env("GLASS_CONFIG_DIR", playground.contexts())
            .env("GLASS_CONTEXT", "mia");
        Process::spawn(command).finishes()
    };
    assert_eq!(arn(&aws()), format!("{SESSION}/mia@G-1"));
    let cache = playground.path("home").join(".aws/cli/cache");
    assert!(!cache.exists(), "of such keys it keeps nothing");

    playground.done("leon", &["incident", "close", &incident, "-m", "done"]);
    let said = aws();
    assert_ne!(said.code, 0, "{said}");
    assert!(
        said.err.contains("no live grant for revert-config"),
        "{said}"
    );
}

#[test]
fn the_keys_are_for_a_quarter_of_an_hour_and_come_over_tls_that_is_checked() {
    let (playground, _) = night();
    let papers = Papers::of("AWS");
    let paper = papers.server();
    let write = |name: &str, text: &str| {
        let path = playground.path(name);
        fs::write(&path, text).expect("a file");
        path.display().to_string()
    };
    let certificate = write("moto.crt", &paper.certificate);
    let key = write("moto.key", &paper.key);
    let moto = Moto::with(&["-s", "-c", &certificate, "-k", &key]);
    assert!(moto.url().starts_with("https://"), "{}", moto.url());
    let ours = write("aws.crt", &papers.pem());
    let theirs = write("other.crt", &Papers::of("AWS").pem());
    let place = ("AWS_ENDPOINT_URL_STS", moto.url());

    let said = credential(&playground, &[place, ("AWS_CA_BUNDLE", &ours)]);
    assert_eq!(said.code, 0, "{said}");
    let keys = said.json();
    assert_eq!(keys["Version"], 1);
    for name in ["AccessKeyId", "SecretAccessKey", "SessionToken"] {
        assert!(!keys[name].as_str().expect(name).is_empty(), "{name}");
    }
    let end: Timestamp = keys["Expiration"]
        .as_str()
        .expect("an end")
        .parse()
        .expect("a time");
    let issued = &playground.entries_of("credential.issued")[0];
    let at: Timestamp = issued["at"]
        .as_str()
        .expect("a time")
        .parse()
        .expect("a time");
    let length = end.duration_since(at);
    assert!(
        (SignedDuration::from_secs(890)..SignedDuration::from_secs(990)).contains(&length),
        "{length}"
    );

    let said = credential(&playground, &[place, ("AWS_CA_BUNDLE", &theirs)]);
    assert_eq!((said.code, said.out.as_str()), (86, ""), "{said}");
    assert!(said.err.contains("no token was sent"), "{said}");
}

#[test]
fn where_aws_is_not_there_or_not_to_be_trusted_a_sentence_says_so() {
    let (playground, _) = night();
    let gone = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", gone.local_addr().expect("an address"));
    drop(gone);
    let said = credential(&playground, &[("AWS_ENDPOINT_URL", &url)]);
    assert_eq!((said.code, said.out.as_str()), (84, ""), "{said}");
    assert!(said.err.contains("cannot be reached"), "{said}");

    let said = credential(&playground, &[("AWS_ENDPOINT_URL", "http://aws.example")]);
    assert_eq!((said.code, said.out.as_str()), (2, ""), "{said}");
    assert!(said.err.contains("no token is sent there"), "{said}");

    let words = [
        "credential",
        "aws",
        "revert-config",
        "--role-arn",
        "shop-deploy",
    ];
    let said = playground.glass("mia", &words);
    assert_eq!(said.code, 2, "{said}");
    assert!(said.err.contains("is no role of AWS"), "{said}");
}
