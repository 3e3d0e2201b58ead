//! Files of which only some parts are wanted.

#![expect(clippy::single_range_in_vec_init, reason = "one range is a case of several")]

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cliptune_sources::{
    Event, Fetched, Need, Observer, Ranges, Remote, SourceError, Sparse, Wanted, copies, held,
};
use cliptune_terminal::Diagnostic as _;

use crate::http::{Answer, Asked, Fault, Server};
use crate::support::{Files, Impatient, Machine, quiet, refusal, store, web};

const GET: &str = "GET /data/table";
const SIZE: usize = 4 << 20;
/// How much of the end of a file has to be known before it can be told what is needed.
const END: u64 = 1000;

/// Letters that do not repeat in any simple way.
fn content(seed: u64) -> String {
    let letter = |at: u64| {
        let mixed = (at + seed * 7_919 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
        char::from(b'a' + (mixed.wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 59) as u8 % 26)
    };
    (0..SIZE as u64).map(letter).collect()
}

struct Served {
    files: Files,
    server: Server,
    machine: Machine,
    address: String,
    content: String,
}

fn served() -> Served {
    let content = content(0);
    let files = store(&[("data/table", &content)]);
    let server = web(&files);
    let address = format!("{}/data/table", server.address);
    Served { files, server, machine: Machine::new(), address, content }
}

/// Needs the end of a file, and then these ranges.
fn need(file: &Sparse, ranges: &[Range<u64>]) -> io::Result<Need> {
    let end = file.size() - END..file.size();
    match file.read(end.clone())? {
        None => Ok(Need::First(end)),
        Some(_) => Ok(Need::Parts(ranges.iter().cloned().chain([end]).collect())),
    }
}

impl Served {
    fn fetch(&self, ranges: &[Range<u64>]) -> Result<Fetched, SourceError> {
        self.fetch_told(ranges, &quiet)
    }

    fn fetch_told(&self, ranges: &[Range<u64>], observer: &dyn Observer) -> Result<Fetched, SourceError> {
        let needs = |file: &Sparse| need(file, ranges);
        let wanted = Wanted::parts(&|_| true, &needs);
        let remote = Remote::parse(&self.address)?;
        self.machine.sources().fetch(&remote, &self.machine.access, wanted, observer)
    }

    /// The ranges that the server was asked for since the last call, in order. `whole` stands for a request without one.
    fn ranges(&self) -> Vec<String> {
        let asked = self.server.asked();
        let gets = asked.iter().filter(|asked| asked.method == "GET");
        let range = |asked: &Asked| asked.header("range").unwrap_or("bytes=whole")[6..].to_owned();
        let mut ranges: Vec<String> = gets.map(range).collect();
        ranges.sort_by_key(|range| range.split('-').next().and_then(|first| first.parse::<u64>().ok()));
        ranges
    }

    /// Checks that ranges of the local file have their content.
    fn has(&self, fetched: &Fetched, ranges: &[Range<u64>]) {
        let local = fs_err::read(fetched.folder.join("table")).unwrap();
        assert_eq!(local.len(), SIZE);
        for range in ranges.iter().cloned().chain([SIZE as u64 - END..SIZE as u64]) {
            let range = range.start as usize..range.end as usize;
            assert!(local[range.clone()] == self.content.as_bytes()[range.clone()], "{range:?}");
        }
    }

    fn change(&mut self) {
        self.content = content(1);
        self.files.lock().unwrap().insert("data/table".to_owned(), self.content.clone());
    }
}

const END_ASKED: &str = "4193304-4194303";
const SOME: [Range<u64>; 2] = [0..10_000, 1_000_000..1_000_100];

#[test]
fn what_is_needed_is_fetched_and_nothing_else() {
    let served = served();
    let fetched = served.fetch(&SOME).unwrap();
    assert_eq!(served.ranges(), ["0-9999", "1000000-1000099", END_ASKED]);
    served.has(&fetched, &SOME);
    let [copy] = &copies(&served.machine.cache()).unwrap()[..] else { panic!("one copy") };
    assert!(copy.bytes < SIZE as u64, "holes take no space: {}", copy.bytes);
    assert_eq!(served.fetch(&SOME).unwrap(), fetched);
    assert_eq!(served.fetch(&SOME[1..]).unwrap(), fetched);
    assert_eq!(served.ranges(), [""; 0]);
}

#[test]
fn of_what_is_needed_later_only_what_is_missing_is_fetched() {
    let served = served();
    served.fetch(&SOME).unwrap();
    served.ranges();
    let more = [5_000..20_000, 1_000_050..1_000_060, 2_000_000..2_000_001];
    let fetched = served.fetch(&more).unwrap();
    assert_eq!(served.ranges(), ["10000-19999", "2000000-2000000"]);
    served.has(&fetched, &SOME);
    served.has(&fetched, &more);
    served.fetch(&SOME).unwrap();
    assert_eq!(served.ranges(), [""; 0]);
}

#[test]
fn neighbours_are_asked_for_together() {
    let served = served();
    let near = [0..10, 100..110, 200_000..200_010, 800_000..800_010];
    let fetched = served.fetch(&near).unwrap();
    assert_eq!(served.ranges(), ["0-200009", "800000-800009", END_ASKED]);
    served.has(&fetched, &[0..200_010]);
}

#[test]
fn many_near_neighbours_are_the_whole_file() {
    let served = served();
    let many: Vec<Range<u64>> = (0..40).map(|at| at * 100_000..at * 100_000 + 1_000).collect();
    let fetched = served.fetch(&many).unwrap();
    assert!(served.ranges().contains(&"whole".to_owned()));
    served.has(&fetched, &[0..SIZE as u64]);
}

#[test]
fn whoever_reads_what_is_there_can_do_so_while_more_arrives() {
    let served = served();
    let fetched = served.fetch(&SOME).unwrap();
    let offline = served.machine.settings();
    let (remote, access) = (Remote::parse(&served.address).unwrap(), &served.machine.access);
    let asked = std::sync::Mutex::new(0);
    let observer = |event: Event<'_>| {
        if matches!(event, Event::Received { .. }) {
            let needs = |file: &Sparse| need(file, &SOME);
            let found = held(&offline, &remote, access, Wanted::parts(&|_| true, &needs));
            assert_eq!(found.unwrap(), fetched);
            *asked.lock().unwrap() += 1;
        }
    };
    served.fetch_told(&[2_000_000..2_900_000], &observer).unwrap();
    assert!(asked.into_inner().unwrap() > 0);
}

#[test]
fn a_fetch_tells_how_much_is_needed_and_not_how_large_the_file_is() {
    let served = served();
    let events = std::sync::Mutex::new(Vec::new());
    served.fetch_told(&SOME, &|event: Event<'_>| events.lock().unwrap().push(format!("{event:?}"))).unwrap();
    let events = events.into_inner().unwrap();
    assert!(events[0].ends_with("files: 1, bytes: 10100 }"), "{events:?}");
    assert!(events.contains(&"Received { files: 1, bytes: 10100 }".to_owned()), "{events:?}");
    assert_eq!(events.last().unwrap(), "Complete");
}

#[test]
fn the_whole_file_is_fetched_where_most_of_it_is_needed() {
    let served = served();
    let most = [0..SIZE as u64 / 2];
    let fetched = served.fetch(&most).unwrap();
    assert_eq!(
        served.ranges(),
        [END_ASKED, "whole"].map(str::to_owned).iter().rev().cloned().collect::<Vec<_>>()
    );
    served.has(&fetched, &[0..SIZE as u64]);
    served.fetch(&SOME).unwrap();
    assert_eq!(served.ranges(), [""; 0]);
}

#[test]
fn a_small_file_is_fetched_whole() {
    let served = served();
    served.files.lock().unwrap().insert("data/table".to_owned(), "x".repeat(10_000));
    served.fetch(&SOME[1..]).unwrap();
    assert_eq!(served.ranges(), ["whole"]);
}

#[test]
fn whoever_wants_the_whole_file_gets_it() {
    let served = served();
    served.fetch(&SOME).unwrap();
    served.ranges();
    let fetched = served.machine.fetch(&served.address).unwrap();
    assert_eq!(served.ranges(), ["whole"]);
    served.has(&fetched, &[0..SIZE as u64]);
    served.fetch(&[5..6]).unwrap();
    assert_eq!(served.ranges(), [""; 0]);
}

#[test]
fn a_server_without_parts_is_asked_for_the_whole_file() {
    let without = [Fault::WholeInstead, refusal(416), Fault::NoHeader("ETag")];
    for fault in without {
        let served = served();
        served.server.fails(GET, fault);
        let fetched = served.fetch(&SOME).unwrap();
        assert_eq!(served.ranges().len(), 2);
        served.has(&fetched, &[0..SIZE as u64]);
    }
}

#[test]
fn a_server_that_sends_no_more_parts_is_asked_for_the_whole_file() {
    let mut served = served();
    let files = Arc::clone(&served.files);
    served.server = Server::start(move |asked| {
        let text = files.lock().unwrap()["data/table"].clone();
        let mut asked = asked.clone();
        if asked.header("range") != Some("bytes=4193304-4194303") {
            asked.headers.remove("range");
        }
        Answer::file(&asked, text.as_bytes(), &[("ETag", &crate::support::etag(&text))])
    });
    served.address = format!("{}/data/table", served.server.address);
    let fetched = served.fetch(&SOME).unwrap();
    assert!(served.ranges().contains(&"whole".to_owned()));
    served.has(&fetched, &[0..SIZE as u64]);
}

#[test]
fn a_content_with_a_weak_etag_is_fetched_whole() {
    let mut served = served();
    let files = Arc::clone(&served.files);
    served.server = Server::start(move |asked| {
        Answer::file(asked, files.lock().unwrap()["data/table"].as_bytes(), &[("ETag", "W/\"1\"")])
    });
    served.address = format!("{}/data/table", served.server.address);
    served.fetch(&SOME).unwrap();
    assert_eq!(served.ranges(), ["whole"]);
}

#[test]
fn another_part_than_the_one_that_was_asked_for_is_refused() {
    let other = |range: &str| Fault::Header("Content-Range", range.to_owned());
    let faults = [
        Fault::WrongPart,
        Fault::Surplus(1),
        Fault::NoHeader("Content-Range"),
        other("bytes 4193304-4194302/4194304"),
        other("bytes 4193303-4194303/4194304"),
        other("bytes 0-4194303/4194304"),
        other("bytes 4193304-18446744073709551615/4194304"),
        other("bytes */4194304"),
    ];
    for fault in faults {
        let served = served();
        served.server.fails(GET, fault);
        let error = served.fetch(&SOME).unwrap_err();
        assert!(matches!(error, SourceError::Answer { .. }), "{error}");
        served.has(&served.fetch(&SOME).unwrap(), &SOME);
    }
}

#[test]
fn a_part_of_a_file_of_another_size_is_refused() {
    let served = served();
    served.server.fails(GET, Fault::Header("Content-Range", "bytes 4193304-4194303/4194305".to_owned()));
    let error = served.fetch(&SOME).unwrap_err();
    assert!(matches!(error, SourceError::Size { expected: 4_194_304, found: 4_194_305, .. }), "{error}");
}

#[test]
fn a_part_without_an_end_is_refused() {
    let served = served();
    served.server.fails(GET, Fault::Endless);
    let error = served.fetch(&SOME).unwrap_err();
    assert!(error.to_string().contains("it sends more than was asked for"), "{error}");
    served.has(&served.fetch(&SOME).unwrap(), &SOME);
}

#[test]
fn a_part_that_is_cut_off_continues_where_it_ended() {
    let served = served();
    served.server.fails(GET, Fault::CutAfter(300));
    served.server.fails(GET, Fault::CutAfter(0));
    served.server.fails(GET, refusal(503));
    let fetched = served.fetch(&SOME).unwrap();
    let ranges = served.ranges();
    let rest = ranges.iter().filter(|range| *range == "4193604-4194303").count();
    assert_eq!((rest, ranges.iter().filter(|range| *range == END_ASKED).count()), (3, 1), "{ranges:?}");
    served.has(&fetched, &SOME);
}

#[test]
fn what_has_arrived_is_kept_when_the_server_is_given_up() {
    let served = served();
    // The end arrives. Of one range, a little arrives and then nothing more.
    let one = &SOME[..1];
    let failing = std::sync::Mutex::new(0);
    let observer = |event: Event<'_>| {
        let mut done = failing.lock().unwrap();
        if matches!(event, Event::Missing { .. }) && *done == 0 {
            *done = 1;
            served.server.fails(GET, Fault::CutAfter(4_000));
            (0..4).for_each(|_| served.server.fails(GET, refusal(500)));
        }
    };
    let error = served.fetch_told(one, &observer).unwrap_err();
    assert!(matches!(error, SourceError::Stopped { done: 5_000, total: 11_000, .. }), "{error}");
    served.ranges();
    let fetched = served.fetch(one).unwrap();
    assert_eq!(served.ranges(), ["4000-9999"]);
    served.has(&fetched, one);
}

#[test]
fn an_interrupted_fetch_of_parts_continues_where_it_ended() {
    let served = served();
    let long = [0..1_500_000];
    let error = served.fetch_told(&long, &Impatient::default()).unwrap_err();
    assert!(matches!(error, SourceError::Interrupted), "{error}");
    served.ranges();
    let fetched = served.fetch(&long).unwrap();
    let ranges = served.ranges();
    assert!(
        matches!(&ranges[..], [rest] if rest.ends_with("-1499999") && !rest.starts_with("0-")),
        "{ranges:?}"
    );
    served.has(&fetched, &long);
}

#[test]
fn parts_of_two_versions_are_never_mixed() {
    let mut served = served();
    served.fetch(&SOME).unwrap();
    served.change();
    let fetched = served.fetch(&[2_000_000..2_000_100]).unwrap();
    served.has(&fetched, &[2_000_000..2_000_100]);
    let fetched = served.fetch(&SOME).unwrap();
    served.has(&fetched, &SOME);
}

#[test]
fn a_file_that_changes_between_its_parts_is_begun_anew() {
    let mut served = served();
    let (old, new) = (content(0), content(1));
    let is_changed = AtomicBool::new(false);
    served.server = Server::start(move |asked| {
        // The file changes once its end has been sent.
        let text = if is_changed.load(Ordering::Relaxed) { &new } else { &old };
        if asked.header("range").is_some() {
            is_changed.store(true, Ordering::Relaxed);
        }
        Answer::file(asked, text.as_bytes(), &[("ETag", &crate::support::etag(text))])
    });
    served.address = format!("{}/data/table", served.server.address);
    served.content = content(1);
    let fetched = served.fetch(&SOME).unwrap();
    served.has(&fetched, &SOME);
}

#[test]
fn a_file_whose_etag_changes_with_every_answer_is_given_up() {
    let served = served();
    for _ in 0..3 {
        served.server.fails(GET, Fault::Header("ETag", "\"another\"".to_owned()));
    }
    let error = served.fetch(&SOME).unwrap_err();
    assert!(matches!(error, SourceError::Changed { .. }), "{error}");
}

#[test]
fn offline_parts_are_found_and_what_is_missing_is_said() {
    let mut served = served();
    let fetched = served.fetch(&SOME).unwrap();
    served.ranges();
    served.machine.variables.push(("CLIPTUNE_OFFLINE", "1".to_owned()));
    assert_eq!(served.fetch(&SOME).unwrap(), fetched);
    let error = served.fetch(&[0..10_001]).unwrap_err();
    let said = "the cache has parts of 1 file of http://127.0.0.1:…, but not all that is needed, and the network is not used: table";
    assert_eq!(error.to_string().replace(&served.address, "http://127.0.0.1:…"), said);
    assert_eq!(error.hint().unwrap(), "run `cliptune ingest` without --offline");
    let error = served.machine.fetch(&served.address).unwrap_err();
    assert!(matches!(error, SourceError::PartsHeld { is_whole_wanted: true, .. }), "{error}");
    assert_eq!(error.hint().unwrap(), "run the same command without --offline: it fetches the rest");
    assert!(served.server.asked().is_empty());
}

#[test]
fn parts_that_were_touched_in_the_cache_are_fetched_again() {
    let served = served();
    let fetched = served.fetch(&SOME).unwrap();
    fs_err::write(fetched.folder.join("table"), "x".repeat(SIZE)).unwrap();
    served.ranges();
    served.has(&served.fetch(&SOME).unwrap(), &SOME);
    assert_eq!(served.ranges().len(), 3);
}

#[test]
fn a_need_that_grows_is_followed_and_one_without_an_end_is_given_up() {
    let served = served();
    // Each range tells of the next one.
    let needs = |steps: u64| {
        move |file: &Sparse| {
            let mut needed: Vec<Range<u64>> = vec![0..10];
            for step in 0..steps {
                if file.read(step * 300_000..step * 300_000 + 10)?.is_some() {
                    needed.push((step + 1) * 300_000..(step + 1) * 300_000 + 10);
                }
            }
            Ok(Need::Parts(needed.into_iter().collect::<Ranges>()))
        }
    };
    let fetch = |needs: &(dyn Fn(&Sparse) -> io::Result<Need> + Sync)| {
        let (machine, remote) = (&served.machine, Remote::parse(&served.address).unwrap());
        machine.sources().fetch(&remote, &machine.access, Wanted::parts(&|_| true, needs), &quiet).unwrap()
    };
    fetch(&needs(2));
    assert_eq!(served.ranges(), ["0-9", "300000-300009", "600000-600009"]);
    fetch(&|file: &Sparse| Ok(Need::First(file.size()..file.size() + 1)));
    assert_eq!(served.ranges(), ["whole"]);
}
