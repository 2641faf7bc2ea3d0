//! A tree as JSON. Blank fields are left out; the elements of a list keep their places, so what is left of the third line
//! still stands third.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::{Node, Object};

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, node) in self.fields.iter().filter(|(_, node)| !node.is_blank()) {
            map.serialize_entry(name, node)?;
        }
        map.end()
    }
}

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Node::Null => serializer.serialize_unit(),
            Node::Bool(value) => serializer.serialize_bool(*value),
            Node::Unsigned(number) => serializer.serialize_u64(*number),
            Node::Signed(number) => serializer.serialize_i64(*number),
            Node::Float(number) => serializer.serialize_f64(*number),
            Node::Text(text) => serializer.serialize_str(text),
            Node::List(list) => {
                let mut seq = serializer.serialize_seq(Some(list.len()))?;
                for node in list {
                    seq.serialize_element(node)?;
                }
                seq.end()
            }
            Node::Object(object) => object.serialize(serializer),
        }
    }
}
