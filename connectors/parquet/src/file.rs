//! A Parquet file of one row group, each column one page: plain, not compressed, so that it takes no codec to write and any reader
//! to read. Fields and numbers are those of <https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>.

use crate::thrift::{Struct, varint};

const MAGIC: &[u8; 4] = b"PAR1";

/// A column and its values, one for each row.
pub struct Column<'c> {
    pub name: &'c str,
    /// Each row has one.
    pub required: bool,
    pub values: Values,
}

pub enum Values {
    Text(Vec<Option<String>>),
    Json(Vec<Option<String>>),
    Integer(Vec<Option<i64>>),
    Number(Vec<Option<f64>>),
    Boolean(Vec<Option<bool>>),
    /// Microseconds since 1970 in UTC.
    Micros(Vec<Option<i64>>),
}

/// `Type`
mod physical {
    pub const BOOLEAN: i32 = 0;
    pub const INT64: i32 = 2;
    pub const DOUBLE: i32 = 5;
    pub const BYTE_ARRAY: i32 = 6;
}

/// `Encoding`
const PLAIN: i32 = 0;
const RLE: i32 = 3;

pub fn write(columns: &[Column<'_>], rows: usize) -> Vec<u8> {
    let rows = rows as i64;
    let mut file = MAGIC.to_vec();
    let mut chunks = Vec::new();
    for column in columns {
        let start = file.len();
        column.write_page(&mut file, rows);
        chunks.push(column.chunk(start, file.len() - start, rows));
    }
    let bytes = (file.len() - MAGIC.len()) as i64;
    let group = Struct::new()
        .parts(1, chunks)
        .i64(2, bytes)
        .i64(3, rows)
        .i64(5, MAGIC.len() as i64)
        .i64(6, bytes)
        .i16(7, 0);
    let root = Struct::new().bytes(4, b"events").i32(5, columns.len() as i32);
    let schema = std::iter::once(root).chain(columns.iter().map(Column::schema)).collect();
    // That the least and the greatest are by the order of the type, which for times is that of numbers.
    let orders = columns.iter().map(|_| Struct::new().part(1, Struct::new())).collect();
    let footer = Struct::new()
        .i32(1, 2)
        .parts(2, schema)
        .i64(3, rows)
        .parts(4, vec![group])
        .bytes(6, b"snodo")
        .parts(7, orders)
        .end();
    file.extend_from_slice(&footer);
    file.extend_from_slice(&(footer.len() as u32).to_le_bytes());
    file.extend_from_slice(MAGIC);
    file
}

impl Column<'_> {
    /// `SchemaElement`, with the old and the new name of its logical type.
    fn schema(&self) -> Struct {
        let element = Struct::new()
            .i32(1, self.values.physical())
            .i32(3, i32::from(!self.required))
            .bytes(4, self.name.as_bytes());
        let logical = |field: u8, of: Struct| Struct::new().part(field, of);
        match self.values {
            Values::Text(_) => element.i32(6, 0).part(10, logical(1, Struct::new())),
            Values::Json(_) => element.i32(6, 19).part(10, logical(12, Struct::new())),
            Values::Micros(_) => {
                let micros = Struct::new().part(2, Struct::new());
                element.i32(6, 10).part(10, logical(8, Struct::new().truth(1).part(2, micros)))
            }
            Values::Integer(_) | Values::Number(_) | Values::Boolean(_) => element,
        }
    }

    /// `ColumnChunk` with its `ColumnMetaData`.
    fn chunk(&self, start: usize, bytes: usize, rows: i64) -> Struct {
        let (start, bytes) = (start as i64, bytes as i64);
        let encodings: &[i32] = if self.required { &[PLAIN] } else { &[PLAIN, RLE] };
        let data = Struct::new()
            .i32(1, self.values.physical())
            .i32s(2, encodings)
            .texts(3, &[self.name])
            .i32(4, 0)
            .i64(5, rows)
            .i64(6, bytes)
            .i64(7, bytes)
            .i64(9, start)
            .part(12, self.values.statistics());
        Struct::new().i64(2, start).part(3, data)
    }

    /// `PageHeader` of a data page (version 1), the definition levels, the values.
    fn write_page(&self, file: &mut Vec<u8>, rows: i64) {
        let mut page = Vec::new();
        if !self.required {
            let levels = levels(&self.values.present());
            page.extend_from_slice(&(levels.len() as u32).to_le_bytes());
            page.extend_from_slice(&levels);
        }
        self.values.write(&mut page);
        let data = Struct::new().i32(1, rows as i32).i32(2, PLAIN).i32(3, RLE).i32(4, RLE);
        let size = page.len() as i32;
        let header = Struct::new().i32(1, 0).i32(2, size).i32(3, size).part(5, data);
        file.extend(header.end());
        file.extend(page);
    }
}

/// Whether each row has a value, as runs of equal ones (RLE / bit-packing hybrid, bit width 1).
fn levels(present: &[bool]) -> Vec<u8> {
    let mut levels = Vec::new();
    for run in present.chunk_by(|one, next| one == next) {
        varint(&mut levels, (run.len() as u64) << 1);
        levels.push(run[0].into());
    }
    levels
}

impl Values {
    const fn physical(&self) -> i32 {
        match self {
            Self::Text(_) | Self::Json(_) => physical::BYTE_ARRAY,
            Self::Integer(_) | Self::Micros(_) => physical::INT64,
            Self::Number(_) => physical::DOUBLE,
            Self::Boolean(_) => physical::BOOLEAN,
        }
    }

    fn present(&self) -> Vec<bool> {
        fn of<T>(values: &[Option<T>]) -> Vec<bool> {
            values.iter().map(Option::is_some).collect()
        }
        match self {
            Self::Text(values) | Self::Json(values) => of(values),
            Self::Integer(values) | Self::Micros(values) => of(values),
            Self::Number(values) => of(values),
            Self::Boolean(values) => of(values),
        }
    }

    /// `Statistics`: how many are null; of times and integers also the least and the greatest, by which readers leave files out.
    fn statistics(&self) -> Struct {
        let nulls = self.present().iter().filter(|is_present| !**is_present).count() as i64;
        let statistics = Struct::new().i64(3, nulls);
        let (Self::Integer(values) | Self::Micros(values)) = self else { return statistics };
        match (values.iter().flatten().min(), values.iter().flatten().max()) {
            (Some(least), Some(greatest)) => {
                statistics.bytes(5, &greatest.to_le_bytes()).bytes(6, &least.to_le_bytes())
            }
            _ => statistics,
        }
    }

    /// Those that are there, one behind the other (encoding PLAIN).
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(values) | Self::Json(values) => {
                for text in values.iter().flatten() {
                    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
                    out.extend_from_slice(text.as_bytes());
                }
            }
            Self::Integer(values) | Self::Micros(values) => {
                values.iter().flatten().for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
            }
            Self::Number(values) => {
                values.iter().flatten().for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
            }
            Self::Boolean(values) => {
                let truths: Vec<bool> = values.iter().flatten().copied().collect();
                let byte = |bits: &[bool]| bits.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
                out.extend(truths.chunks(8).map(byte));
            }
        }
    }
}
