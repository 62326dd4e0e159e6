//! A zip archive whose bytes depend on its entries only: no clock, no owner, entries in the order
//! given. Entries are stored, not compressed: a bundle is a few dozen kilobytes of text, and a
//! compressor would cost the page more than it saves the download.
//! Follows PKWARE's APPNOTE 6.3; no zip64, so entries and archive stay below 4 GiB.

/// Of every entry: 1980-01-01 00:00, the earliest the format can say.
const DATE: u16 = 1 << 5 | 1;
const TIME: u16 = 0;
/// Names are UTF-8.
const FLAGS: u16 = 1 << 11;
const VERSION: u16 = 20;
/// "Made on Unix", so that the upper half of the external attributes is a file mode.
const MADE_BY: u16 = 3 << 8 | VERSION;

pub struct Entry {
    /// Path inside the archive, with `/`.
    pub path: String,
    pub content: Vec<u8>,
    /// Permission bits: 0o644, or 0o755 for scripts.
    pub mode: u16,
}

pub fn write(entries: &[Entry]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let offset = out.len() as u32;
        let common = common_fields(entry);
        put32(&mut out, 0x0403_4b50);
        put16(&mut out, VERSION);
        out.extend(&common);
        out.extend(entry.path.as_bytes());
        out.extend(&entry.content);

        put32(&mut directory, 0x0201_4b50);
        put16(&mut directory, MADE_BY);
        put16(&mut directory, VERSION);
        directory.extend(&common);
        put16(&mut directory, 0); // comment length
        put16(&mut directory, 0); // disk
        put16(&mut directory, 1); // internal attributes: text
        put32(&mut directory, (0o100_000 | u32::from(entry.mode)) << 16);
        put32(&mut directory, offset);
        directory.extend(entry.path.as_bytes());
    }
    let (start, count) = (out.len() as u32, entries.len() as u16);
    out.extend(&directory);
    put32(&mut out, 0x0605_4b50);
    put32(&mut out, 0); // disks
    put16(&mut out, count);
    put16(&mut out, count);
    put32(&mut out, directory.len() as u32);
    put32(&mut out, start);
    put16(&mut out, 0); // comment length
    out
}

/// What the local header and the directory say alike.
fn common_fields(entry: &Entry) -> Vec<u8> {
    let mut out = Vec::new();
    put16(&mut out, FLAGS);
    put16(&mut out, 0); // stored
    put16(&mut out, TIME);
    put16(&mut out, DATE);
    put32(&mut out, crc32(&entry.content));
    put32(&mut out, entry.content.len() as u32);
    put32(&mut out, entry.content.len() as u32);
    put16(&mut out, entry.path.len() as u16);
    put16(&mut out, 0); // extra length
    out
}

fn put16(out: &mut Vec<u8>, n: u16) {
    out.extend(n.to_le_bytes());
}
fn put32(out: &mut Vec<u8>, n: u32) {
    out.extend(n.to_le_bytes());
}

/// CRC-32 as zip, gzip and PNG use it.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |c, _| if c & 1 == 1 { 0xedb8_8320 ^ (c >> 1) } else { c >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksum_of_the_textbook() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn an_empty_archive_is_its_end_record() {
        assert_eq!(write(&[]).len(), 22);
    }
}
