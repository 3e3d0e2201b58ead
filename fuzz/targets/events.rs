//! Event logs. Half of the inputs get right checksums, so that what lies behind those is reached.

#![no_main]

use cliptune_fuzz::write;
use cliptune_store::{for_each_event, read_events};
use libfuzzer_sys::fuzz_target;

/// Puts each line into the frame that the log gives it.
fn framed(data: &[u8]) -> Vec<u8> {
    let lines = data.split(|byte| *byte == b'\n').map(|event| {
        let head = format!("{{\"crc32c\":\"{:08x}\",\"event\":", crc32c::crc32c(event));
        [head.as_bytes(), event, b"}\n"].concat()
    });
    lines.collect::<Vec<_>>().concat()
}

fuzz_target!(|data: &[u8]| {
    let Some((how, data)) = data.split_first() else { return };
    let log = if how % 2 == 0 { framed(data) } else { data.to_vec() };
    let path = write("events.jsonl", &log);
    let read = read_events(&path).expect("a log with damage is read");
    let lines = log.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count();
    assert_eq!(read.events.len() + read.damaged_lines + read.newer_lines, lines);
    let mut rows = 0;
    for_each_event(&path, |_| rows += 1).expect("a log with damage is read");
    assert!(rows >= read.events.len(), "what is an event is a row");
});
