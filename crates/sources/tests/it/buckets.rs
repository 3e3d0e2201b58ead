//! Listings of stores, honest ones and others.

use cliptune_sources::{Remote, SourceError, Wanted};

use crate::http::{Answer, Fault, Server};
use crate::support::{Machine, contents, files, lines, quiet, refusal, s3, s3_listing, store, texts};

const CONTEST: [(&str, &str); 6] = [
    ("contest/images/1.jpeg", "one"),
    ("contest/images/2.jpeg", "two"),
    ("contest/images/a b/3.jpeg", "three"),
    ("contest/images/notes.txt", "notes"),
    ("contest/images.zip", "zip"),
    ("contest/meta.parquet", "table"),
];

fn s3_machine(server: &Server) -> Machine {
    Machine::new().at(&server.address)
}

#[test]
fn a_folder_a_pattern_and_one_object_are_fetched_under_their_own_names() {
    let server = s3("bucket", &store(&CONTEST));
    let machine = s3_machine(&server);
    let names = |address: &str| {
        let fetched = machine.fetch(address).unwrap();
        contents(&fetched).into_keys().collect::<Vec<_>>()
    };
    let all = ["1.jpeg", "2.jpeg", "a b/3.jpeg", "notes.txt"];
    assert_eq!(names("s3://bucket/contest/images"), all);
    assert_eq!(names("s3://bucket/contest/images/"), all);
    assert_eq!(names("s3://bucket/contest/images/*.jpeg"), ["1.jpeg", "2.jpeg"]);
    assert_eq!(
        names("s3://bucket/contest/**/*.jpeg"),
        ["images/1.jpeg", "images/2.jpeg", "images/a b/3.jpeg"]
    );
    assert_eq!(names("s3://bucket/contest/meta.parquet"), ["meta.parquet"]);
    assert_eq!(machine.fetch("s3://bucket").unwrap().files.len(), 6);
}

#[test]
fn only_wanted_files_are_fetched_and_the_others_are_counted() {
    let server = s3("bucket", &store(&CONTEST));
    let machine = s3_machine(&server);
    let remote = Remote::parse("s3://bucket/contest").unwrap();
    let wanted = |name: &str| name.ends_with(".jpeg");
    let fetched = machine.sources().fetch(&remote, &machine.access, Wanted::whole(&wanted), &quiet).unwrap();
    assert_eq!(fetched.files.len(), 3);
    let others: Vec<_> = fetched.passed_over.into_iter().collect();
    assert_eq!(others, [("parquet".to_owned(), 1), ("txt".to_owned(), 1), ("zip".to_owned(), 1)]);
    assert!(!files(&machine.cache()).iter().any(|file| file.ends_with("images.zip")));
}

#[test]
fn only_what_is_missing_or_has_changed_is_fetched() {
    let files = store(&CONTEST);
    let server = s3("bucket", &files);
    let machine = s3_machine(&server);
    let gets =
        |lines: Vec<String>| lines.into_iter().filter(|line| line.ends_with("jpeg")).collect::<Vec<_>>();
    machine.fetch("s3://bucket/contest/images/*.jpeg").unwrap();
    assert_eq!(gets(lines(&server)).len(), 2);
    machine.fetch("s3://bucket/contest/images/*.jpeg").unwrap();
    assert_eq!(gets(lines(&server)).len(), 0);
    files.lock().unwrap().insert("contest/images/2.jpeg".to_owned(), "TWO".to_owned());
    files.lock().unwrap().remove("contest/images/1.jpeg");
    let fetched = machine.fetch("s3://bucket/contest/images/*.jpeg").unwrap();
    assert_eq!(contents(&fetched), texts(&[("2.jpeg", "TWO")]));
    assert_eq!(gets(lines(&server)), ["GET /bucket/contest/images/2.jpeg"]);
}

#[test]
fn a_file_that_becomes_a_folder_and_the_reverse_are_replaced() {
    let files = store(&[("data/a", "file")]);
    let server = s3("bucket", &files);
    let machine = s3_machine(&server);
    machine.fetch("s3://bucket/data/").unwrap();
    *files.lock().unwrap() = texts(&[("data/a/b", "below")]);
    assert_eq!(contents(&machine.fetch("s3://bucket/data/").unwrap()), texts(&[("a/b", "below")]));
    *files.lock().unwrap() = texts(&[("data/a", "file again")]);
    assert_eq!(contents(&machine.fetch("s3://bucket/data/").unwrap()), texts(&[("a", "file again")]));
}

#[test]
fn empty_files_and_names_of_all_kinds_are_fetched() {
    let pairs = [("ü/é ?#%&+=.txt", "odd"), ("empty", ""), ("A", "upper"), ("a", "lower"), ("x..y", "dots")];
    let server = s3("bucket", &store(&pairs));
    assert_eq!(contents(&s3_machine(&server).fetch("s3://bucket/").unwrap()), texts(&pairs));
}

#[test]
fn markers_of_folders_and_hidden_names_are_skipped() {
    let server = s3(
        "bucket",
        &store(&[("d/", ""), ("d/e/", ""), ("d/1", "one"), ("d/.cache/2", "no"), ("d/.x", "no")]),
    );
    assert_eq!(contents(&s3_machine(&server).fetch("s3://bucket/d").unwrap()), texts(&[("1", "one")]));
}

#[test]
fn a_name_that_cannot_be_a_file_stops_before_anything_is_written() {
    let long = "x".repeat(300);
    for name in ["../../evil", "a/../../evil", "/etc/evil", "a//b", "a\u{1}b", "..", &long] {
        let server = s3("bucket", &store(&[(&format!("d/{name}"), "evil"), ("d/good", "good")]));
        let machine = s3_machine(&server);
        let error = machine.fetch("s3://bucket/d/").unwrap_err();
        assert!(matches!(error, SourceError::Name { .. }), "{name}: {error}");
        let written = files(machine.folder.path());
        assert!(!written.iter().any(|file| file.contains("evil") || file.contains("good")), "{written:?}");
    }
}

#[test]
fn an_object_below_another_object_cannot_be_a_file() {
    let server = s3("bucket", &store(&[("d/a", "file"), ("d/a-b", "between"), ("d/a/b", "below")]));
    let error = s3_machine(&server).fetch("s3://bucket/d/").unwrap_err();
    assert!(matches!(&error, SourceError::Name { name, .. } if name == "a"), "{error}");
}

#[test]
fn what_a_store_does_not_have_is_absent() {
    let server = s3("bucket", &store(&CONTEST));
    for address in ["s3://bucket/nothing", "s3://bucket/contest/*.png", "s3://other/contest"] {
        let error = s3_machine(&server).fetch(address).unwrap_err();
        assert!(matches!(error, SourceError::Absent { .. }), "{address}: {error}");
    }
    let error = s3_machine(&server).fetch("s3://other/contest/").unwrap_err();
    assert_eq!(error.to_string(), "there is nothing at s3://other/contest/ (NoSuchBucket)");
}

#[test]
fn an_object_that_may_not_be_read_is_denied_and_not_absent() {
    let server = s3("bucket", &store(&CONTEST));
    server.fails("HEAD /bucket/contest/secret.parquet", refusal(403));
    let error = s3_machine(&server).fetch("s3://bucket/contest/secret.parquet").unwrap_err();
    assert_eq!(error.to_string(), "s3://bucket/contest/secret.parquet cannot be read without credentials");
}

#[test]
fn a_service_that_fails_is_told_with_the_address_that_was_written() {
    let address = "s3://bucket/contest/meta.parquet";
    let failed = |request: &str, fault: Fault| {
        let server = s3("bucket", &store(&CONTEST));
        server.fails(request, fault);
        s3_machine(&server).fetch(address).unwrap_err()
    };
    for method in ["HEAD", "GET"] {
        let request = format!("{method} /bucket/contest/meta.parquet");
        let refused = failed(&request, refusal(400));
        assert_eq!(refused.to_string(), format!("{address} cannot be read"));
        let said = refused.in_one_line();
        assert!(
            said.contains(": http") && said.ends_with("/bucket/contest/meta.parquet answers with status 400"),
            "{said}"
        );
        let headers = vec![("Location", "ftp://elsewhere/a".to_owned())];
        let astray = failed(&request, Fault::Instead { status: 302, headers, body: String::new() });
        assert_eq!(astray.to_string(), format!("{address} cannot be read"));
        let said = astray.in_one_line();
        assert!(said.contains("/bucket/contest/meta.parquet redirects to a place"), "{said}");
    }
    let server = s3("bucket", &store(&CONTEST));
    // As often as it is asked before it is given up.
    (0..9).for_each(|_| server.fails("HEAD /bucket/contest/meta.parquet", refusal(503)));
    let broken = s3_machine(&server).fetch(address).unwrap_err().in_one_line();
    let first = format!("{address} cannot be read: {}/bucket/", server.address);
    assert!(broken.starts_with(&first) && broken.ends_with(" answers with status 503"), "{broken}");
}

#[test]
fn a_folder_is_found_where_strangers_may_not_ask_for_its_name() {
    let server = s3("bucket", &store(&CONTEST));
    server.fails("HEAD /bucket/contest/images", refusal(403));
    assert_eq!(s3_machine(&server).fetch("s3://bucket/contest/images").unwrap().files.len(), 4);
}

/// The error of a listing whose every page is this.
fn listing_error(page: impl Fn(usize) -> String + Send + Sync + 'static) -> SourceError {
    let pages = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::start(move |_| {
        Answer::new(200, &[], page(pages.fetch_add(1, std::sync::atomic::Ordering::Relaxed)))
    });
    s3_machine(&server).fetch("s3://bucket/d/").unwrap_err()
}

#[test]
fn listings_that_never_end_are_given_up() {
    let next = |token: usize| {
        s3_listing(&format!(
            "<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>"
        ))
    };
    let circles = listing_error(move |page| next(page % 3));
    assert!(circles.in_one_line().contains("goes in circles"), "{circles}");
    let endless = listing_error(next);
    assert!(endless.in_one_line().contains("does not end"), "{endless}");
    let cut = listing_error(|_| s3_listing("<IsTruncated>true</IsTruncated>"));
    assert!(cut.in_one_line().contains("cut short"), "{cut}");
}

#[test]
fn answers_that_are_no_listings_are_refused() {
    let object = "<Contents><Key>d/1</Key><ETag>\"e\"</ETag><Size>1</Size></Contents>";
    let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaa\">]><ListBucketResult>&a;</ListBucketResult>";
    let pages = [
        String::new(),
        "<html><body>log in</body></html>".to_owned(),
        bomb.to_owned(),
        s3_listing("<Contents><Key>d/1</Key></Contents>"),
        s3_listing(&object.replace("<Size>1<", "<Size>-1<")),
        s3_listing(&object.replace("d/1", "elsewhere")),
        s3_listing(&object.repeat(2)),
        s3_listing(&"<a>".repeat(10_000)),
    ];
    for page in pages {
        let shown = page.chars().take(100).collect::<String>();
        let error = listing_error(move |_| page.clone());
        let said = error.in_one_line();
        let whose = ["s3://bucket/d/ cannot be read: the answer of http://", "the answer of s3://bucket/d/"];
        assert!(whose.iter().any(|whose| said.starts_with(whose)), "{shown}: {said}");
        assert!(said.contains(" cannot be used: it "), "{shown}: {said}");
    }
}

#[test]
fn an_etag_that_only_looks_like_an_md5_is_believed_after_a_second_look() {
    let server = Server::start(|asked| match asked.path() {
        "/bucket/a" => Answer::file(asked, b"text", &[("ETag", "\"00000000000000000000000000000000\"")]),
        _ => Answer::absent(),
    });
    let machine = s3_machine(&server);
    assert_eq!(contents(&machine.fetch("s3://bucket/a").unwrap()), texts(&[("a", "text")]));
    assert_eq!(lines(&server), ["GET /bucket/a", "GET /bucket/a", "HEAD /bucket/a"]);
}

#[test]
fn a_damaged_object_is_fetched_again() {
    let server = s3("bucket", &store(&[("a", "text")]));
    server.fails("GET /bucket/a", Fault::Damaged);
    assert_eq!(contents(&s3_machine(&server).fetch("s3://bucket/a").unwrap()), texts(&[("a", "text")]));
}

#[test]
fn many_objects_arrive_whole_and_in_order() {
    let pairs: Vec<(String, String)> = (0..300).map(|n| (format!("d/{n:03}"), format!("text {n}"))).collect();
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let server = s3("bucket", &store(&pairs));
    for n in (0..300).step_by(7) {
        server.fails(&format!("GET /bucket/d/{n:03}"), Fault::CutAfter(3));
    }
    let machine = s3_machine(&server);
    let fetched = machine.fetch("s3://bucket/d").unwrap();
    let expected: Vec<(&str, &str)> = pairs.iter().map(|(name, text)| (&name[2..], *text)).collect();
    assert_eq!(contents(&fetched), texts(&expected));
}
