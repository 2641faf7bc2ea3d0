//! Takes a file of any size apart, so that it comes in as many messages: lines, the rows of a CSV, the elements of an XML document.
//! Each part is itself such a file: rows have their header before them, elements their root around them. So a connector reads a
//! part as it reads a whole. Nothing is changed but where one part ends and the next begins.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use quick_xml::events::Event;
use snodo_core::declare::{Delimiter, Split};

/// A part ends with the record that fills it: a connector's call for so much is far from its limits.
const PART_BYTES: u64 = 256 << 10;
const PART_RECORDS: u64 = 500;

/// Some records, as a file of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// From 1.
    pub number: u64,
    /// The number of its first record in the file, from 1.
    pub first_record: u64,
    pub body: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
pub enum PartError {
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file is at fault; what was before that place is taken.
    #[error("{0}")]
    Unreadable(String),
}

pub struct Parts {
    file: File,
    records: Records,
    bytes_max: u64,
    /// The record that did not fit into the part before.
    held: Option<Range<u64>>,
    parts: u64,
    count: u64,
}

/// Finds where records begin and end.
enum Records {
    Lines { reader: BufReader<File>, at: u64 },
    Rows { reader: Box<csv::Reader<BufReader<File>>>, header: Vec<u8> },
    Elements { reader: Box<quick_xml::Reader<BufReader<File>>>, before: Vec<u8>, after: Vec<u8>, done: bool },
}

impl Parts {
    /// `bytes_max` is what one part may have at most.
    pub fn open(path: &Path, split: Split, bytes_max: usize) -> Result<Self, PartError> {
        let open = || Ok::<_, io::Error>(BufReader::with_capacity(64 << 10, File::open(path)?));
        let file = File::open(path)?;
        let records = match split {
            Split::Line {} => Records::Lines { reader: open()?, at: 0 },
            Split::CsvRow { delimiter } => Records::rows(open()?, &file, delimiter)?,
            Split::XmlElement {} => Records::elements(open()?, &file)?,
        };
        Ok(Self { file, records, bytes_max: bytes_max as u64, held: None, parts: 0, count: 0 })
    }

    pub fn next_part(&mut self) -> Result<Option<Part>, PartError> {
        let around = self.records.around();
        let (mut ranges, mut bytes) = (Vec::<Range<u64>>::new(), around);
        let first_record = self.count + 1;
        while let Some(record) = self.next_record()? {
            let size = record.end - record.start;
            if size + around > self.bytes_max {
                let (number, max) = (self.count + 1, self.bytes_max);
                return Err(PartError::Unreadable(format!(
                    "record {number} has {size} bytes, and at most {max} are taken; those before it are taken"
                )));
            }
            let full = bytes + size > PART_BYTES.min(self.bytes_max)
                || self.count + 1 - first_record >= PART_RECORDS;
            if full && !ranges.is_empty() {
                self.held = Some(record);
                break;
            }
            bytes += size;
            self.count += 1;
            // Records that follow each other are read at once.
            match ranges.last_mut() {
                Some(last) if last.end == record.start => last.end = record.end,
                _ => ranges.push(record),
            }
        }
        if ranges.is_empty() {
            return Ok(None);
        }
        self.parts += 1;
        let body = self.body(&ranges)?;
        Ok(Some(Part { number: self.parts, first_record, body }))
    }

    fn next_record(&mut self) -> Result<Option<Range<u64>>, PartError> {
        match self.held.take() {
            Some(held) => Ok(Some(held)),
            None => self.records.next(&self.file),
        }
    }

    fn body(&mut self, ranges: &[Range<u64>]) -> io::Result<Vec<u8>> {
        let mut body = match &self.records {
            Records::Lines { .. } => Vec::new(),
            Records::Rows { header, .. } => header.clone(),
            Records::Elements { before, .. } => before.clone(),
        };
        for range in ranges {
            read(&mut self.file, range.clone(), &mut body)?;
        }
        if let Records::Elements { after, .. } = &self.records {
            body.extend_from_slice(after);
        }
        Ok(body)
    }
}

fn read(file: &mut File, range: Range<u64>, into: &mut Vec<u8>) -> io::Result<()> {
    file.seek(SeekFrom::Start(range.start))?;
    let wanted = range.end - range.start;
    if Read::by_ref(file).take(wanted).read_to_end(into)? as u64 != wanted {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

impl Records {
    fn rows(reader: BufReader<File>, file: &File, delimiter: Delimiter) -> Result<Self, PartError> {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter.byte())
            .has_headers(false)
            .flexible(true)
            .from_reader(reader);
        let mut row = csv::ByteRecord::new();
        let mut header = Vec::new();
        if reader.read_byte_record(&mut row).map_err(unreadable)? {
            read(&mut file.try_clone()?, 0..row_end(file, reader.position().byte())?, &mut header)?;
            if !header.ends_with(b"\n") {
                header.push(b'\n');
            }
        }
        Ok(Self::Rows { reader: Box::new(reader), header })
    }

    fn elements(reader: BufReader<File>, file: &File) -> Result<Self, PartError> {
        let mut reader = quick_xml::Reader::from_reader(reader);
        let mut buffer = Vec::new();
        loop {
            buffer.clear();
            let (name, done) = match reader.read_event_into(&mut buffer).map_err(unreadable)? {
                Event::Start(root) => (root.name().as_ref().to_owned(), false),
                Event::Empty(_) => (String::new(), true),
                Event::Eof => return Err(PartError::Unreadable("there is no element in the file".into())),
                _ => continue,
            };
            let mut before = Vec::new();
            read(&mut file.try_clone()?, 0..reader.buffer_position(), &mut before)?;
            let after = format!("</{name}>\n").into_bytes();
            return Ok(Self::Elements { reader: Box::new(reader), before, after, done });
        }
    }

    /// What stands around the records of each part.
    fn around(&self) -> u64 {
        let bytes = match self {
            Self::Lines { .. } => 0,
            Self::Rows { header, .. } => header.len(),
            Self::Elements { before, after, .. } => before.len() + after.len(),
        };
        bytes as u64
    }

    fn next(&mut self, file: &File) -> Result<Option<Range<u64>>, PartError> {
        match self {
            Self::Lines { reader, at } => next_line(reader, at),
            Self::Rows { reader, .. } => {
                let (at, mut row) = (reader.position().byte(), csv::ByteRecord::new());
                if !reader.read_byte_record(&mut row).map_err(unreadable)? {
                    return Ok(None);
                }
                Ok(Some(row_end(file, at)?..row_end(file, reader.position().byte())?))
            }
            Self::Elements { done: true, .. } => Ok(None),
            Self::Elements { reader, done, .. } => next_element(reader, done),
        }
    }
}

/// The reader ends a row at its carriage return, and leaves the line feed for the next.
fn row_end(file: &File, at: u64) -> io::Result<u64> {
    let mut around = [0; 2];
    let read = if at == 0 { 0 } else { file.read_at(&mut around, at - 1)? };
    Ok(if read == 2 && around == *b"\r\n" { at + 1 } else { at })
}

/// The next line that is not blank, its end included.
fn next_line(reader: &mut BufReader<File>, at: &mut u64) -> Result<Option<Range<u64>>, PartError> {
    loop {
        let (mut bytes, mut blank) = (0_u64, true);
        loop {
            let chunk = reader.fill_buf()?;
            if chunk.is_empty() {
                break;
            }
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(chunk.len(), |end| end + 1);
            blank &= chunk[..taken].iter().all(u8::is_ascii_whitespace);
            reader.consume(taken);
            bytes += taken as u64;
            if end.is_some() {
                break;
            }
        }
        let start = *at;
        *at += bytes;
        match (bytes, blank) {
            (0, _) => return Ok(None),
            (_, true) => {}
            (_, false) => return Ok(Some(start..*at)),
        }
    }
}

/// The next element right under the root.
fn next_element(
    reader: &mut quick_xml::Reader<BufReader<File>>,
    done: &mut bool,
) -> Result<Option<Range<u64>>, PartError> {
    let (mut buffer, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    loop {
        buffer.clear();
        let at = reader.buffer_position();
        match reader.read_event_into(&mut buffer).map_err(unreadable)? {
            Event::Start(_) => {
                if depth == 0 {
                    start = at;
                }
                depth += 1;
            }
            Event::Empty(_) if depth == 0 => return Ok(Some(at..reader.buffer_position())),
            Event::End(_) if depth == 0 => {
                *done = true;
                return Ok(None);
            }
            Event::End(_) => {
                depth -= 1;
                if depth == 0 {
                    return Ok(Some(start..reader.buffer_position()));
                }
            }
            Event::Text(text) if depth == 0 && !text.trim().is_empty() => {
                return Err(PartError::Unreadable(format!(
                    "at byte {at} there is text beside the elements: such a file cannot be taken apart"
                )));
            }
            Event::Eof => {
                return Err(PartError::Unreadable("the file ends before its root element does".into()));
            }
            _ => {}
        }
    }
}

fn unreadable(error: impl std::fmt::Display) -> PartError {
    PartError::Unreadable(format!("the file cannot be read as what it should be: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(split: Split, file: &str, bytes_max: usize) -> Result<Vec<String>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, file).unwrap();
        let mut parts = Parts::open(&path, split, bytes_max).map_err(|error| error.to_string())?;
        let mut found = Vec::new();
        while let Some(part) = parts.next_part().map_err(|error| error.to_string())? {
            assert_eq!(part.number, found.len() as u64 + 1);
            found.push(String::from_utf8(part.body).unwrap());
        }
        Ok(found)
    }

    const LINES: Split = Split::Line {};
    const ROWS: Split = Split::CsvRow { delimiter: Delimiter::Comma };
    const ELEMENTS: Split = Split::XmlElement {};

    #[test]
    fn each_part_is_a_file_of_its_own() {
        for (split, file, bytes_max, expected) in [
            (LINES, "{\"a\":1}\n\n{\"a\":2}\n{\"a\":3}", 17, vec!["{\"a\":1}\n{\"a\":2}\n", "{\"a\":3}"]),
            (LINES, "\n \n", 17, vec![]),
            (
                ROWS,
                "id,name\n1,a\n2,\"b\nc\"\n3,d\n",
                18,
                vec!["id,name\n1,a\n", "id,name\n2,\"b\nc\"\n", "id,name\n3,d\n"],
            ),
            (ROWS, "id,name\r\n1,a\r\n2,b", 100, vec!["id,name\r\n1,a\r\n2,b"]),
            (ROWS, "id,name", 100, vec![]),
            (
                ELEMENTS,
                "<?xml version=\"1.0\"?><!-- x --><s:L xmlns:s=\"u\" n=\"1\">\n <T><T>1</T></T> <T/>\n<T>3</T></s:L>\n",
                79,
                vec![
                    "<?xml version=\"1.0\"?><!-- x --><s:L xmlns:s=\"u\" n=\"1\"><T><T>1</T></T></s:L>\n",
                    "<?xml version=\"1.0\"?><!-- x --><s:L xmlns:s=\"u\" n=\"1\"><T/><T>3</T></s:L>\n",
                ],
            ),
            (ELEMENTS, "<L/>", 80, vec![]),
        ] {
            assert_eq!(parts(split, file, bytes_max).unwrap(), expected, "{file}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_taken_apart_says_why() {
        for (split, file, expected) in [
            (LINES, "1\n22222222222222222222\n", "record 2 has 21 bytes"),
            (ELEMENTS, "<L><a>1</a>text</L>", "text beside"),
            (ELEMENTS, "<L><a></L>", "cannot be read"),
            (ELEMENTS, "<L><a/>", "ends before"),
            (ELEMENTS, "no", "no element"),
        ] {
            let why = parts(split, file, 20).unwrap_err();
            assert!(why.contains(expected), "{why}");
        }
    }

    #[test]
    fn no_record_is_lost_or_told_twice() {
        let lines: Vec<String> = (0..1234).map(|number| format!("{{\"number\":{number}}}\n")).collect();
        let found = parts(LINES, &lines.concat(), 1 << 20).unwrap();
        assert_eq!(found.len(), 3);
        assert_eq!(found.concat(), lines.concat());
    }
}
