//! Structs in Thrift's compact protocol, as far as Parquet's metadata need it
//! (<https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>).

const TRUE: u8 = 1;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const STRUCT: u8 = 12;

/// A struct that is being written. Fields come in the order of their numbers, which are never more than 15 apart.
#[derive(Default)]
pub struct Struct {
    bytes: Vec<u8>,
    last: u8,
}

impl Struct {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn i16(mut self, field: u8, value: i16) -> Self {
        self.header(field, I16);
        number(&mut self.bytes, value.into());
        self
    }

    pub fn i32(mut self, field: u8, value: i32) -> Self {
        self.header(field, I32);
        number(&mut self.bytes, value.into());
        self
    }

    pub fn i64(mut self, field: u8, value: i64) -> Self {
        self.header(field, I64);
        number(&mut self.bytes, value);
        self
    }

    /// A boolean that is true; a field's type says so.
    pub fn truth(mut self, field: u8) -> Self {
        self.header(field, TRUE);
        self
    }

    pub fn bytes(mut self, field: u8, value: &[u8]) -> Self {
        self.header(field, BINARY);
        binary(&mut self.bytes, value);
        self
    }

    pub fn part(mut self, field: u8, value: Struct) -> Self {
        self.header(field, STRUCT);
        self.bytes.extend(value.end());
        self
    }

    pub fn parts(mut self, field: u8, values: Vec<Struct>) -> Self {
        self.list(field, STRUCT, values.len());
        values.into_iter().for_each(|value| self.bytes.extend(value.end()));
        self
    }

    pub fn i32s(mut self, field: u8, values: &[i32]) -> Self {
        self.list(field, I32, values.len());
        values.iter().for_each(|value| number(&mut self.bytes, i64::from(*value)));
        self
    }

    pub fn texts(mut self, field: u8, values: &[&str]) -> Self {
        self.list(field, BINARY, values.len());
        values.iter().for_each(|value| binary(&mut self.bytes, value.as_bytes()));
        self
    }

    pub fn end(mut self) -> Vec<u8> {
        self.bytes.push(0);
        self.bytes
    }

    fn header(&mut self, field: u8, kind: u8) {
        self.bytes.push((field - self.last) << 4 | kind);
        self.last = field;
    }

    fn list(&mut self, field: u8, of: u8, count: usize) {
        self.header(field, LIST);
        match u8::try_from(count) {
            Ok(count @ ..15) => self.bytes.push(count << 4 | of),
            _ => {
                self.bytes.push(0xf0 | of);
                varint(&mut self.bytes, count as u64);
            }
        }
    }
}

/// Seven bits a byte, the lowest first.
pub fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Small numbers of either sign are short.
fn number(out: &mut Vec<u8>, value: i64) {
    varint(out, (value << 1 ^ value >> 63) as u64);
}

fn binary(out: &mut Vec<u8>, value: &[u8]) {
    varint(out, value.len() as u64);
    out.extend_from_slice(value);
}
