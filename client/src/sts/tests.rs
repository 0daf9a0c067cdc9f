//! What is asked, and how every answer reads.

use super::*;

/// As STS answers, from its API reference, shortened.
const ANSWER: &str = r#"<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult>
    <SubjectFromWebIdentityToken>mia</SubjectFromWebIdentityToken>
    <Audience>sts.amazonaws.com</Audience>
    <AssumedRoleUser>
      <Arn>arn:aws:sts::123456789012:assumed-role/shop-deploy/mia@G-45</Arn>
      <AssumedRoleId>AROACLKWSDQRAOEXAMPLE:mia@G-45</AssumedRoleId>
    </AssumedRoleUser>
    <Credentials>
      <SessionToken>AQoDYXdzEE0a8ANEXAMPLESNO1ewxE5TijQyp+IEXAMPLE/==</SessionToken>
      <SecretAccessKey>wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY</SecretAccessKey>
      <Expiration>2026-11-23T03:20:00Z</Expiration>
      <AccessKeyId>ASgeIAIOSFODNN7EXAMPLE</AccessKeyId>
    </Credentials>
    <Provider>glass.example</Provider>
  </AssumeRoleWithWebIdentityResult>
  <ResponseMetadata><RequestId>ad4156e9-bce1-11e2-82e6-6b6efEXAMPLE</RequestId></ResponseMetadata>
</AssumeRoleWithWebIdentityResponse>"#;

fn refused(status: u16, code: &str, message: &str) -> Error {
    let body = format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>{message}</Message></Error><RequestId>1</RequestId></ErrorResponse>"
    );
    read_answer(status, &body).unwrap_err()
}

#[test]
fn the_request_is_the_documented_one() {
    let assume = Assume {
        role_arn: "arn:aws:iam::123456789012:role/shop-deploy",
        session_name: "mia@G-45",
        token: "a.b_-.c&Action=é",
    };
    assert_eq!(
        *assume.body(),
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15\
         &RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fshop-deploy\
         &RoleSessionName=mia%40G-45&DurationSeconds=900\
         &WebIdentityToken=a.b_-.c%26Action%3D%C3%A9"
    );
}

#[test]
fn the_keys_are_passed_on_as_credential_process_wants_them() {
    let keys = read_answer(200, ANSWER).unwrap();
    assert_eq!(
        *keys.to_process_json(),
        r#"{"AccessKeyId":"ASgeIAIOSFODNN7EXAMPLE","Expiration":"2026-11-23T03:20:00Z","#
            .to_owned()
            + r#""SecretAccessKey":"wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY","#
            + r#""SessionToken":"AQoDYXdzEE0a8ANEXAMPLESNO1ewxE5TijQyp+IEXAMPLE/==","Version":1}"#
    );
    let shown = format!("{keys:?}");
    assert_eq!(shown, "Keys(ASgeIAIOSFODNN7EXAMPLE, 2026-11-23T03:20:00Z)");
}

#[test]
fn half_an_answer_is_none() {
    for (part, other) in [
        ("<AccessKeyId>ASgeIAIOSFODNN7EXAMPLE</AccessKeyId>", ""),
        ("ASgeIAIOSFODNN7EXAMPLE", ""),
        ("2026-11-23T03:20:00Z", "soon"),
        ("wJalr", "wJ\u{1b}alr"),
        ("</AssumeRoleWithWebIdentityResponse>", ""),
        ("AssumeRoleWithWebIdentityResult>", "AssumeRoleResult>"),
    ] {
        let changed = ANSWER.replace(part, other);
        let why = read_answer(200, &changed).unwrap_err();
        assert!(why.to_string().contains("makes no sense"), "{part}: {why}");
    }
    assert!(read_answer(200, "{\"json\": true}").is_err());
}

#[test]
fn refusals_are_sentences_with_a_next_step() {
    let why = refused(
        403,
        "AccessDenied",
        "Not authorized to perform sts:AssumeRoleWithWebIdentity",
    );
    assert_eq!(
        why.to_string(),
        "AWS STS refuses: Not authorized to perform sts:AssumeRoleWithWebIdentity (AccessDenied)"
    );
    assert_eq!(why.exit_code(), 82);
    assert!(why.next().unwrap().contains("trust policy"));
    for (status, code, exit, next) in [
        (400, "InvalidIdentityToken", 1, "reach the broker's issuer"),
        (400, "IDPCommunicationError", 1, "reach the broker's issuer"),
        (400, "ExpiredTokenException", 82, "clock"),
        (400, "Throttling", 84, "try again"),
        (400, "SomethingOfNextYear", 1, "docs/targets/aws.md"),
        (503, "ServiceUnavailable", 84, "try again"),
    ] {
        let why = refused(status, code, "no");
        assert_eq!(why.exit_code(), exit, "{code}");
        assert!(
            why.next().unwrap().contains(next),
            "{code}: {:?}",
            why.next()
        );
    }
    let why = read_answer(302, "<html>").unwrap_err().to_string();
    assert_eq!(why, "AWS STS answered with HTTP status 302");
    assert!(refused(400, "X", &"x".repeat(9_000)).to_string().len() < 600);
}
