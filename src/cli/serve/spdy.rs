//! As much of SPDY/3.1 as kubectl speaks to `exec`, `attach` and `port-forward`: frames, and the
//! compressed header blocks of the client. What is sent back is stored, not compressed.

use std::io::{Read, Write};

/// The words that both sides know beforehand, each with its length before it, and the text after them.
const WORDS: &str = "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow authorization cache-control connection content-base content-encoding content-language content-length content-location content-md5 content-range content-type date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie keep-alive origin";
const TEXT: &str = "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";

fn dictionary() -> Vec<u8> {
    let mut out = Vec::new();
    for word in WORDS.split(' ').map(|w| w.replace('_', " ")) {
        out.extend_from_slice(&(word.len() as u32).to_be_bytes());
        out.extend_from_slice(word.as_bytes());
    }
    out.extend_from_slice(TEXT.as_bytes());
    out
}

/// Longest frame that is read.
const LIMIT: usize = 1 << 22;

#[derive(Clone, PartialEq, Debug)]
pub enum Frame {
    /// A stream and what it says of itself.
    Open(u32, Vec<(String, String)>),
    /// Bytes of a stream, and whether they are its last.
    Data(u32, Vec<u8>, bool),
    Ping(u32),
    /// The stream or connection is over.
    Reset(u32),
    Away,
    Other,
}

/// Reads frames; header blocks build on those before them.
pub struct Reader<R> {
    from: R,
    window: Vec<u8>,
    begun: bool,
}

impl<R: Read> Reader<R> {
    pub fn new(from: R) -> Reader<R> {
        Reader { from, window: dictionary(), begun: false }
    }

    /// `None`: nothing that makes sense comes any more.
    pub fn next(&mut self) -> Option<Frame> {
        let mut head = [0; 8];
        self.from.read_exact(&mut head).ok()?;
        let word = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
        let length = u32::from_be_bytes([0, head[5], head[6], head[7]]) as usize;
        if length > LIMIT {
            return None;
        }
        let mut body = vec![0; length];
        self.from.read_exact(&mut body).ok()?;
        let fin = head[4] & 1 == 1;
        if word >> 31 == 0 {
            return Some(Frame::Data(word, body, fin));
        }
        let number = |at: usize| Some(u32::from_be_bytes(body.get(at..at + 4)?.try_into().ok()?));
        Some(match word & 0xffff {
            1 => Frame::Open(number(0)? & 0x7fff_ffff, self.headers(body.get(10..)?)?),
            3 => Frame::Reset(number(0)?),
            6 => Frame::Ping(number(0)?),
            7 => Frame::Away,
            2 | 8 => Frame::Other,
            _ => Frame::Other,
        })
    }

    fn headers(&mut self, block: &[u8]) -> Option<Vec<(String, String)>> {
        let block = if self.begun { block } else { block.get(if block.get(1)? & 0x20 != 0 { 6 } else { 2 }..)? };
        self.begun = true;
        let plain = inflate(block, &mut self.window)?;
        let mut rest = &plain[..];
        let count = take_number(&mut rest)?;
        (0..count).map(|_| Some((take_text(&mut rest)?.to_ascii_lowercase(), take_text(&mut rest)?))).collect()
    }
}

fn take_number(rest: &mut &[u8]) -> Option<usize> {
    let (number, after) = rest.split_first_chunk::<4>()?;
    *rest = after;
    Some(u32::from_be_bytes(*number) as usize)
}

fn take_text(rest: &mut &[u8]) -> Option<String> {
    let length = take_number(rest)?;
    let (text, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(String::from_utf8_lossy(text).into_owned())
}

/// Writes frames.
pub struct Writer<W> {
    to: W,
    begun: bool,
}

impl<W: Write> Writer<W> {
    pub fn new(to: W) -> Writer<W> {
        Writer { to, begun: false }
    }

    fn control(&mut self, kind: u8, body: &[u8]) -> std::io::Result<()> {
        let [_, a, b, c] = (body.len() as u32).to_be_bytes();
        self.to.write_all(&[0x80, 3, 0, kind, 0, a, b, c])?;
        self.to.write_all(body)?;
        self.to.flush()
    }

    /// Agrees to a stream, with nothing to say of it.
    pub fn accept(&mut self, stream: u32) -> std::io::Result<()> {
        let mut body = stream.to_be_bytes().to_vec();
        if !self.begun {
            body.extend([0x78, 0x01]);
        }
        self.begun = true;
        // One stored block that says no headers, and an empty one, at which the other side stops to read.
        body.extend([0, 4, 0, 0xfb, 0xff, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]);
        self.control(2, &body)
    }

    pub fn pong(&mut self, number: u32) -> std::io::Result<()> {
        self.control(6, &number.to_be_bytes())
    }

    pub fn data(&mut self, stream: u32, bytes: &[u8], fin: bool) -> std::io::Result<()> {
        let [_, a, b, c] = (bytes.len() as u32).to_be_bytes();
        self.to.write_all(&stream.to_be_bytes())?;
        self.to.write_all(&[u8::from(fin), a, b, c])?;
        self.to.write_all(bytes)?;
        self.to.flush()
    }
}

/// Deflated bytes that end at a flush; `window` holds what came before and gets what comes out.
/// Models RFC 1951.
fn inflate(input: &[u8], window: &mut Vec<u8>) -> Option<Vec<u8>> {
    let before = window.len();
    let mut bits = Bits { input, at: 0, held: 0, count: 0 };
    while !bits.empty() {
        let last = bits.take(1)?;
        match bits.take(2)? {
            0 => bits.stored(window)?,
            1 => {
                let lengths: Vec<u8> = (0..288)
                    .map(|i| [8, 9, 7, 8][(usize::from(i > 143)) + usize::from(i > 255) + usize::from(i > 279)])
                    .collect();
                bits.codes(&Huffman::new(&lengths), &Huffman::new(&[5; 30]), window)?;
            }
            2 => {
                let (literals, distances) = bits.tables()?;
                bits.codes(&literals, &distances, window)?;
            }
            _ => return None,
        }
        if last == 1 {
            break;
        }
    }
    let out = window[before..].to_vec();
    let surplus = window.len().saturating_sub(1 << 15);
    window.drain(..surplus);
    Some(out)
}

struct Bits<'i> {
    input: &'i [u8],
    at: usize,
    held: u32,
    count: u32,
}

impl Bits<'_> {
    fn empty(&self) -> bool {
        self.at == self.input.len() && self.held == 0
    }

    fn take(&mut self, n: u32) -> Option<usize> {
        while self.count < n {
            self.held |= u32::from(*self.input.get(self.at)?) << self.count;
            (self.at, self.count) = (self.at + 1, self.count + 8);
        }
        let value = self.held & ((1 << n) - 1);
        (self.held, self.count) = (self.held >> n, self.count - n);
        Some(value as usize)
    }

    fn stored(&mut self, window: &mut Vec<u8>) -> Option<()> {
        (self.held, self.count) = (0, 0);
        let head = self.input.get(self.at..self.at + 4)?;
        let length = usize::from(u16::from_le_bytes([head[0], head[1]]));
        window.extend_from_slice(self.input.get(self.at + 4..self.at + 4 + length)?);
        self.at += 4 + length;
        Some(())
    }

    fn symbol(&mut self, h: &Huffman) -> Option<usize> {
        let (mut code, mut first, mut index) = (0usize, 0usize, 0usize);
        for count in &h.counts[1..] {
            code |= self.take(1)?;
            if code < first + count {
                return h.symbols.get(index + code - first).map(|s| usize::from(*s));
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        None
    }

    fn tables(&mut self) -> Option<(Huffman, Huffman)> {
        const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
        let (literals, distances, codes) = (self.take(5)? + 257, self.take(5)? + 1, self.take(4)? + 4);
        let mut lengths = [0u8; 19];
        for place in &ORDER[..codes] {
            lengths[*place] = self.take(3)? as u8;
        }
        let codes = Huffman::new(&lengths);
        let mut all: Vec<u8> = Vec::new();
        while all.len() < literals + distances {
            let (value, times) = match self.symbol(&codes)? {
                16 => (*all.last()?, 3 + self.take(2)?),
                17 => (0, 3 + self.take(3)?),
                18 => (0, 11 + self.take(7)?),
                length => (length as u8, 1),
            };
            all.extend(std::iter::repeat_n(value, times));
        }
        Some((Huffman::new(&all[..literals]), Huffman::new(&all[literals..])))
    }

    fn codes(&mut self, literals: &Huffman, distances: &Huffman, window: &mut Vec<u8>) -> Option<()> {
        loop {
            let symbol = self.symbol(literals)?;
            match symbol {
                0..=255 => window.push(symbol as u8),
                256 => return Some(()),
                285 => self.copy(258, distances, window)?,
                _ => {
                    let n = symbol - 257;
                    let extra = if n < 8 { 0 } else { n / 4 - 1 };
                    let base = if n < 8 { n + 3 } else { ((4 + n % 4) << extra) + 3 };
                    let length = base + self.take(extra as u32)?;
                    self.copy(length, distances, window)?;
                }
            }
        }
    }

    fn copy(&mut self, length: usize, distances: &Huffman, window: &mut Vec<u8>) -> Option<()> {
        let n = self.symbol(distances)?;
        let extra = if n < 4 { 0 } else { n / 2 - 1 };
        let base = if n < 4 { n + 1 } else { ((2 + n % 2) << extra) + 1 };
        let distance = base + self.take(extra as u32)?;
        let from = window.len().checked_sub(distance)?;
        (from..from + length).for_each(|i| window.push(window[i]));
        Some(())
    }
}

/// How many codes there are of each length, and their symbols in order.
struct Huffman {
    counts: [usize; 16],
    symbols: Vec<u16>,
}

impl Huffman {
    fn new(lengths: &[u8]) -> Huffman {
        let mut counts = [0; 16];
        let mut symbols = Vec::new();
        for length in 1..16u8 {
            let of = lengths.iter().enumerate().filter(|(_, l)| **l == length).map(|(s, _)| s as u16);
            let before = symbols.len();
            symbols.extend(of);
            counts[usize::from(length)] = symbols.len() - before;
        }
        Huffman { counts, symbols }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with zlib and the dictionary above: a block of the fixed code and one with tables, flushed.
    const BLOCKS: [&str; 2] = [
        "78f9e3c6a7c202a6234650ca0a2e294a4dcc851625aca9a08006000000ffff",
        "64554912c330089bfeb257049cfbb53eb15a682f7586c4b6c0923c71a283f307f1659e97bfd18f27e35da8ea9ae2b34b\
         6db635e0d54276d80384a0025c835218fc01301602d91f4faa66ab9533bcb4d6086716576413a429d2baacaca1a3638f\
         6436cfbee1dd31e1b28a9e8936120a58c132a5226a8023b972faf569361568cac6d6f5edaacb0863a82cd99bb216062f\
         abe898471466f98d0bd7e0273f8962fc51549f7578f3ce19778827ca74d9e99a96717c000000ffff",
    ];

    #[test]
    fn header_blocks_of_a_client_are_read() {
        let bytes = |hex: &str| -> Vec<u8> {
            (0..hex.len()).step_by(2).filter_map(|i| u8::from_str_radix(&hex[i..i + 2], 16).ok()).collect()
        };
        let mut sent = Vec::new();
        for (n, block) in BLOCKS.iter().enumerate() {
            let block = bytes(block);
            sent.extend([0x80, 3, 0, 1, 0, 0]);
            sent.extend((block.len() as u16 + 10).to_be_bytes());
            sent.extend([0, 0, 0, n as u8 * 2 + 1, 0, 0, 0, 0, 0, 0]);
            sent.extend(block);
        }
        sent.extend([0, 0, 0, 3, 1, 0, 0, 2, b'h', b'i']);
        let mut reader = Reader::new(&sent[..]);
        let typed = |t: &str| ("streamtype".to_owned(), t.to_owned());
        assert_eq!(reader.next(), Some(Frame::Open(1, vec![typed("error")])));
        let Some(Frame::Open(3, headers)) = reader.next() else { panic!("no second stream") };
        assert_eq!((&headers[0], headers[1].1.len()), (&typed("stdout"), 432));
        assert!(headers[1].1.starts_with("abaacadaabac") && headers[1].1.ends_with("bbabadcdabdb"));
        assert_eq!(reader.next(), Some(Frame::Data(3, b"hi".to_vec(), true)));
        assert_eq!(reader.next(), None);
    }

    #[test]
    fn what_is_sent_can_be_read() {
        let mut sent = Vec::new();
        let mut writer = Writer::new(&mut sent);
        writer.accept(1).unwrap();
        writer.accept(3).unwrap();
        writer.data(3, b"hello", false).unwrap();
        let mut window = dictionary();
        assert_eq!(inflate(&sent[14..28], &mut window), Some(vec![0; 4]));
        assert_eq!(inflate(&sent[40..54], &mut window), Some(vec![0; 4]));
        assert_eq!(sent[54..], [0, 0, 0, 3, 0, 0, 0, 5, b'h', b'e', b'l', b'l', b'o']);
    }
}
