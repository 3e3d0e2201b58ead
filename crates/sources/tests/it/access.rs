//! Where credentials come from, and where they do not go.

use cliptune_sources::SourceError;

use crate::http::{Answer, Asked, Server};
use crate::support::{Machine, contents, s3, store, texts};

const KEY: &str = "AKIAEXAMPLE";
const SECRET: &str = "geheim/secret+key";

fn with_keys() -> Machine {
    Machine::new().with("AWS_ACCESS_KEY_ID", KEY).with("AWS_SECRET_ACCESS_KEY", SECRET)
}

fn signed(asked: &Asked) -> bool {
    asked
        .header("authorization")
        .is_some_and(|value| value.starts_with("AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/"))
}

#[test]
fn a_public_bucket_needs_no_credentials() {
    let server = s3("bucket", &store(&[("a", "text")]));
    Machine::new().at(&server.address).fetch("s3://bucket/a").unwrap();
    assert!(server.asked().iter().all(|asked| asked.header("authorization").is_none()));
}

#[test]
fn requests_are_signed_with_the_keys_of_the_environment_unless_anonymous() {
    let server = s3("bucket", &store(&[("d/a", "text")]));
    let machine = with_keys().at(&server.address).with("AWS_SESSION_TOKEN", "session");
    machine.fetch("s3://bucket/d/").unwrap();
    let asked = server.asked();
    assert!(asked.len() == 2 && asked.iter().all(signed), "{asked:#?}");
    assert!(asked.iter().all(|asked| asked.header("x-amz-security-token") == Some("session")));
    assert!(
        asked.iter().all(|asked| !format!("{asked:?}").contains("geheim")),
        "the secret itself is never sent"
    );
    let mut anonymous = with_keys().at(&server.address);
    anonymous.access.anonymous = true;
    anonymous.fetch("s3://bucket/d/").unwrap();
    assert!(!server.asked().iter().any(signed));
}

#[test]
fn a_profile_gives_keys_region_and_endpoint() {
    let server = s3("bucket", &store(&[("a", "text")]));
    let machine = Machine::new().with("AWS_PROFILE", "lab");
    let folder = machine.folder.path().join("home/.aws");
    fs_err::create_dir_all(&folder).unwrap();
    let keys = format!("[lab]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n");
    fs_err::write(folder.join("credentials"), keys).unwrap();
    let config = format!("[profile lab]\nregion = eu-north-1\nendpoint_url = {}\n", server.address);
    fs_err::write(folder.join("config"), config).unwrap();
    machine.fetch("s3://bucket/a").unwrap();
    let asked = server.asked();
    assert!(!asked.is_empty() && asked.iter().all(signed), "{asked:#?}");
    assert!(asked.iter().all(|asked| asked.header("authorization").unwrap().contains("/eu-north-1/s3/")));
}

#[test]
fn credentials_do_not_follow_a_redirect_to_another_host() {
    let store = s3("bucket", &store(&[("a", "text")]));
    let elsewhere = store.address.clone();
    let server = Server::start(move |asked| {
        Answer::new(307, &[("Location", &format!("{elsewhere}{}", asked.target))], "")
    });
    let machine = with_keys().at(&server.address).with("AWS_SESSION_TOKEN", "session");
    assert_eq!(contents(&machine.fetch("s3://bucket/a").unwrap()), texts(&[("a", "text")]));
    assert!(server.asked().iter().all(signed));
    for asked in store.asked() {
        let sent: Vec<_> =
            asked.headers.keys().filter(|name| *name == "authorization" || name.contains("token")).collect();
        assert!(sent.is_empty(), "{sent:?}");
    }
}

#[test]
fn credentials_that_cannot_be_used_are_named_and_not_shown() {
    let error = |machine: Machine| machine.at("http://127.0.0.1:9").fetch("s3://bucket/a").unwrap_err();
    let half = error(Machine::new().with("AWS_ACCESS_KEY_ID", KEY));
    assert!(half.to_string().contains("AWS_SECRET_ACCESS_KEY"), "{half}");
    let unknown = error(Machine::new().with("AWS_PROFILE", "lab"));
    assert!(unknown.to_string().contains("no profile called lab"), "{unknown}");
    let broken =
        error(Machine::new().with("AWS_ACCESS_KEY_ID", "a\nb").with("AWS_SECRET_ACCESS_KEY", SECRET));
    assert!(matches!(broken, SourceError::Credentials { .. }), "{broken}");
    for error in [half, unknown, broken] {
        assert!(!error.in_one_line().contains("geheim"), "{error}");
    }
}

#[test]
fn a_file_of_google_credentials_that_is_none_is_named_and_not_shown() {
    let machine = Machine::new();
    let path = machine.folder.path().join("key.json");
    for text in
        ["geheim", "{\"type\": \"service_account\", \"private_key\": \"geheim\"}", "{\"type\": \"geheim\"}"]
    {
        fs_err::write(&path, text).unwrap();
        let machine = Machine::new().with("GOOGLE_APPLICATION_CREDENTIALS", path.display().to_string());
        let error = machine.fetch("gs://bucket/a").unwrap_err();
        assert!(
            matches!(&error, SourceError::Credentials { from, .. } if from.contains("key.json")),
            "{error}"
        );
        assert!(!error.in_one_line().contains("geheim"), "{error}");
    }
}

#[test]
fn the_token_of_google_is_not_sent_without_tls() {
    let server = Server::start(|_| Answer::absent());
    let machine =
        Machine::new().at(&server.address).with("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json");
    assert!(machine.fetch("gs://bucket/a").is_err());
    let asked = server.asked();
    assert!(
        !asked.is_empty() && asked.iter().all(|asked| asked.header("authorization").is_none()),
        "{asked:?}"
    );
}

#[test]
fn a_refusal_says_whether_credentials_were_sent() {
    let server = Server::start(|_| Answer::new(403, &[], "<Error><Code>AccessDenied</Code></Error>"));
    let error = with_keys().at(&server.address).fetch("s3://bucket/a/").unwrap_err().to_string();
    assert!(error.ends_with("with these credentials (AccessDenied)"), "{error}");
    let error = Machine::new().at(&server.address).fetch("s3://bucket/a/").unwrap_err().to_string();
    assert!(error.ends_with("without credentials (AccessDenied)"), "{error}");
}
