//! Several facts or log lines in one row of a database: small numbers in few bytes, no names.
//!
//! **Invariant:** reading what was packed gives the same again; damaged bytes are an error and never a panic.

use bytes::Bytes;
use drawloom_blueprint::Timestamp;

use crate::{Entry, LogLine, LogStream, Record};

/// Writes the bytes of facts.
pub fn pack_facts<'a>(facts: impl IntoIterator<Item = &'a Entry>, into: &mut Vec<u8>) {
    let mut last = 0;
    for it in facts {
        put_signed(it.at.0.wrapping_sub(last), into);
        last = it.at.0;
        put(it.fact.len() as u64, into);
        into.extend_from_slice(&it.fact);
    }
}

/// The facts in a row whose first one has number `seq`; none where the bytes are damaged.
#[must_use]
pub fn unpack_facts(body: Vec<u8>, seq: u64) -> Option<Vec<Record>> {
    let body = Bytes::from(body);
    let (mut rest, mut at, mut facts) = (&body[..], 0_i64, Vec::new());
    while !rest.is_empty() {
        at = at.wrapping_add(take_signed(&mut rest)?);
        let fact = body.slice_ref(take_bytes(&mut rest)?);
        facts.push(Record { seq: seq.checked_add(facts.len() as u64)?, at: Timestamp(at), fact });
    }
    Some(facts)
}

/// The bytes of log lines.
#[must_use]
pub fn pack_lines(lines: &[LogLine]) -> Vec<u8> {
    let (mut seq, mut at) = (0_u64, 0_i64);
    let mut body = Vec::with_capacity(lines.iter().map(|it| it.text.len() + 8).sum());
    for it in lines {
        put(it.seq.wrapping_sub(seq), &mut body);
        put_signed(it.at.0.wrapping_sub(at), &mut body);
        (seq, at) = (it.seq, it.at.0);
        body.push(match it.stream {
            LogStream::Stdout => 0,
            LogStream::Stderr => 1,
            LogStream::Notice => 2,
        });
        put(it.text.len() as u64, &mut body);
        body.extend_from_slice(it.text.as_bytes());
    }
    body
}

/// The log lines in a row; none where the bytes are damaged.
#[must_use]
pub fn unpack_lines(mut rest: &[u8]) -> Option<Vec<LogLine>> {
    let (mut seq, mut at, mut lines) = (0_u64, 0_i64, Vec::new());
    while !rest.is_empty() {
        seq = seq.wrapping_add(take(&mut rest)?);
        at = at.wrapping_add(take_signed(&mut rest)?);
        let (stream, behind) = rest.split_first()?;
        rest = behind;
        let stream = match stream {
            0 => LogStream::Stdout,
            1 => LogStream::Stderr,
            2 => LogStream::Notice,
            _ => return None,
        };
        let text = String::from_utf8(take_bytes(&mut rest)?.to_vec()).ok()?;
        lines.push(LogLine { seq, stream, at: Timestamp(at), text });
    }
    Some(lines)
}

/// A number, seven bits a byte, the low ones first (LEB128).
fn put(mut number: u64, into: &mut Vec<u8>) {
    while number >= 0x80 {
        into.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    into.push(number as u8);
}

/// A number with a sign, so that small ones take few bytes on either side of zero (zigzag).
fn put_signed(number: i64, into: &mut Vec<u8>) {
    put(((number << 1) ^ (number >> 63)) as u64, into);
}

fn take(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn take_signed(rest: &mut &[u8]) -> Option<i64> {
    let number = take(rest)?;
    Some((number >> 1) as i64 ^ -((number & 1) as i64))
}

fn take_bytes<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = usize::try_from(take(rest)?).ok()?;
    let (bytes, behind) = rest.split_at_checked(len)?;
    *rest = behind;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_and_lines_come_back_as_they_were() {
        let times = [0, 1, -1, i64::MAX, i64::MIN, 1_700_000_000_000_000];
        let facts: Vec<_> = times
            .into_iter()
            .enumerate()
            .map(|(len, at)| Entry { at: Timestamp(at), fact: vec![7; len * 100].into() })
            .collect();
        let mut body = Vec::new();
        pack_facts(&facts, &mut body);
        let back = unpack_facts(body, 5).unwrap();
        assert_eq!(back.iter().map(|it| it.seq).collect::<Vec<_>>(), [5, 6, 7, 8, 9, 10]);
        assert!(back.iter().zip(&facts).all(|(it, entry)| it.at == entry.at && it.fact == entry.fact));

        let lines: Vec<_> = [(1, "a"), (2, ""), (u64::MAX, "\0é\u{1F600}")]
            .map(|(seq, text)| LogLine { seq, stream: LogStream::Stderr, at: Timestamp(-5), text: text.to_owned() })
            .into();
        assert_eq!(unpack_lines(&pack_lines(&lines)), Some(lines));
    }

    #[test]
    fn damaged_rows_are_noticed_or_read_but_never_panic() {
        let mut body = Vec::new();
        pack_facts(&[Entry { at: Timestamp(9), fact: Bytes::from_static(b"fact") }], &mut body);
        assert_eq!(unpack_facts(body[..body.len() - 1].to_vec(), 1), None);
        for at in 0..body.len() {
            for byte in 0..=255 {
                let mut damaged = body.clone();
                damaged[at] = byte;
                let _ = unpack_facts(damaged.clone(), u64::MAX);
                let _ = unpack_lines(&damaged);
            }
        }
    }

    #[test]
    fn random_rows_come_back_and_cut_ones_are_noticed() {
        let mut state = 1_u64;
        let mut draw = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 20) % below
        };
        for _ in 0..500 {
            let times: Vec<i64> = (0..1 + draw(8)).map(|_| (draw(1 << 43) as i64) << draw(21)).collect();
            let mut facts = Vec::new();
            for at in times {
                let fact: Vec<u8> = (0..1 + draw(300)).map(|it| it as u8).collect();
                facts.push(Entry { at: Timestamp(at), fact: fact.into() });
            }
            let mut body = Vec::new();
            pack_facts(&facts, &mut body);
            let cut = body.len() - 1 - usize::try_from(draw(facts[facts.len() - 1].fact.len() as u64)).unwrap();
            assert_eq!(unpack_facts(body[..cut].to_vec(), 1), None, "what is cut off is noticed");
            let back = unpack_facts(body, 1).unwrap();
            assert!(back.iter().zip(&facts).all(|(it, entry)| it.at == entry.at && it.fact == entry.fact));
            assert_eq!(back.len(), facts.len());
        }
    }
}
