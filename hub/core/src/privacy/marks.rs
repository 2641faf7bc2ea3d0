//! The schemas' marks of personal data, as a graph that an event can be walked along. Fails closed: what no schema
//! describes is personal content.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::Class;
use crate::vocabulary::Vocabulary;

/// The class of what the schemas do not know.
const UNDESCRIBED: Class = Class::Content;

pub(super) struct Marks {
    shapes: Vec<Shape>,
    kinds: HashMap<String, usize>,
}

/// What the schemas say about one place. Places are shared between types: a graph, by index.
#[derive(Default)]
struct Shape {
    class: Option<Class>,
    fields: HashMap<String, usize>,
    items: Option<usize>,
    /// Fields whose names the schema leaves open.
    others: Option<usize>,
    /// Further descriptions of the same place: `$ref`, `allOf`, `anyOf`, `oneOf`.
    also: Vec<usize>,
    /// The classes at this place and below it.
    classes: BTreeSet<Class>,
}

/// A place in an event: all shapes that describe it, and the class that a mark further up gives it.
#[derive(Clone)]
pub(super) struct Place<'a> {
    marks: &'a Marks,
    shapes: Vec<usize>,
    above: Option<Class>,
}

impl Marks {
    pub fn of(vocabulary: &Vocabulary) -> Self {
        let mut builder = Builder { vocabulary, shapes: Vec::new(), definitions: HashMap::new() };
        let kinds =
            vocabulary.types().map(|known| (known.kind.to_string(), builder.shape(known.schema()))).collect();
        let mut marks = Self { shapes: builder.shapes, kinds };
        marks.gather_classes();
        marks
    }

    pub fn get(&self, kind: &str) -> Option<Place<'_>> {
        self.kinds.get(kind).map(|shape| self.place(vec![*shape], None))
    }

    /// Where a walk along an event begins.
    pub fn start(&self, kind: &str) -> Place<'_> {
        self.get(kind).unwrap_or_else(|| self.place(Vec::new(), Some(UNDESCRIBED)))
    }

    fn place(&self, start: Vec<usize>, above: Option<Class>) -> Place<'_> {
        let mut shapes = start;
        let mut next = 0;
        while next < shapes.len() {
            for further in &self.shapes[shapes[next]].also {
                if !shapes.contains(further) {
                    shapes.push(*further);
                }
            }
            next += 1;
        }
        // The mark beside a `$ref` goes before the marks of what it refers to, and any mark before those further up.
        let class = shapes.iter().find_map(|shape| self.shapes[*shape].class);
        Place { marks: self, shapes, above: class.or(above) }
    }

    /// Hands classes up until nothing changes: the graph may have cycles.
    fn gather_classes(&mut self) {
        loop {
            let mut changed = false;
            for index in 0..self.shapes.len() {
                let shape = &self.shapes[index];
                let mut classes = shape.classes.clone();
                classes.extend(shape.class);
                let below = shape.fields.values().chain(&shape.items).chain(&shape.others).chain(&shape.also);
                classes.extend(below.flat_map(|below| &self.shapes[*below].classes));
                changed |= classes != self.shapes[index].classes;
                self.shapes[index].classes = classes;
            }
            if !changed {
                return;
            }
        }
    }
}

impl<'a> Place<'a> {
    pub fn classes(&self) -> BTreeSet<Class> {
        let below = self.shapes().flat_map(|shape| shape.classes.iter().copied());
        below.chain(self.above).collect()
    }

    /// Cheap, so that a walk can leave out whole parts of an event.
    pub fn holds_personal(&self, value: &Value) -> bool {
        self.above.is_some()
            || self.shapes().any(|shape| !shape.classes.is_empty())
            // The value is not of the form that the schema describes, or has fields that the schema does not.
            || match value {
                Value::Object(_) => true,
                Value::Array(_) => self.shapes().all(|shape| shape.items.is_none()),
                _ => self.is_structured(),
            }
    }

    pub fn class_of_leaf(&self) -> Option<Class> {
        self.above.or_else(|| self.is_structured().then_some(UNDESCRIBED))
    }

    pub fn field(&self, name: &str) -> Place<'a> {
        let known: Vec<_> = self.shapes().filter_map(|shape| shape.fields.get(name).copied()).collect();
        match known.is_empty() {
            false => self.below(known),
            true => self.below(self.shapes().filter_map(|shape| shape.others).collect()),
        }
    }

    pub fn item(&self) -> Place<'a> {
        self.below(self.shapes().filter_map(|shape| shape.items).collect())
    }

    fn below(&self, shapes: Vec<usize>) -> Place<'a> {
        let above = if shapes.is_empty() { self.above.or(Some(UNDESCRIBED)) } else { self.above };
        self.marks.place(shapes, above)
    }

    /// Whether the schema wants an object or an array here.
    fn is_structured(&self) -> bool {
        self.shapes().any(|shape| !shape.fields.is_empty() || shape.items.is_some() || shape.others.is_some())
    }

    fn shapes(&self) -> impl Iterator<Item = &'a Shape> {
        self.shapes.iter().map(|index| &self.marks.shapes[*index])
    }
}

struct Builder<'a> {
    vocabulary: &'a Vocabulary,
    shapes: Vec<Shape>,
    /// Shapes of the shared definitions, by name. Filled before the definition is read: it may refer to itself.
    definitions: HashMap<&'a str, usize>,
}

impl<'a> Builder<'a> {
    fn shape(&mut self, schema: &'a Value) -> usize {
        let index = self.shapes.len();
        self.shapes.push(Shape::default());
        self.fill(index, schema);
        index
    }

    fn fill(&mut self, index: usize, schema: &'a Value) {
        let mut shape = Shape {
            class: schema["x-personal-data"].as_str().and_then(Class::parse),
            items: schema.get("items").map(|items| self.shape(items)),
            others: schema
                .get("additionalProperties")
                .filter(|others| others.is_object())
                .map(|others| self.shape(others)),
            ..Shape::default()
        };
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let field = self.shape(field);
            shape.fields.insert(name.clone(), field);
        }
        if let Some(id) = schema["$ref"].as_str() {
            shape.also.push(self.definition(id));
        }
        for keyword in ["allOf", "anyOf", "oneOf"] {
            for branch in schema[keyword].as_array().into_iter().flatten() {
                let branch = self.shape(branch);
                shape.also.push(branch);
            }
        }
        self.shapes[index] = shape;
    }

    fn definition(&mut self, id: &str) -> usize {
        let (name, schema) = self.vocabulary.referred(id).expect("schemas refer to shared definitions only");
        if let Some(index) = self.definitions.get(name) {
            return *index;
        }
        let index = self.shapes.len();
        self.shapes.push(Shape::default());
        self.definitions.insert(name, index);
        self.fill(index, schema);
        index
    }
}
