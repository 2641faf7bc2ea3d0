//! The writer's compiled statements. They are known by where their text lies in the program: looking a text up by what it says,
//! as the connection's own cache does, took a tenth of all the writing.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

use rusqlite::{Connection, Statement};

/// Compiled when first needed, and kept.
pub(crate) struct Statements<'c> {
    pub sqlite: &'c Connection,
    idle: RefCell<Vec<(&'static str, Statement<'c>)>>,
}

impl<'c> Statements<'c> {
    pub const fn new(sqlite: &'c Connection) -> Self {
        Self { sqlite, idle: RefCell::new(Vec::new()) }
    }

    pub fn prepare(&self, sql: &'static str) -> rusqlite::Result<Prepared<'_, 'c>> {
        let mut idle = self.idle.borrow_mut();
        let statement = match idle.iter().position(|(known, _)| std::ptr::eq(*known, sql)) {
            Some(at) => idle.swap_remove(at).1,
            None => self.sqlite.prepare(sql)?,
        };
        Ok(Prepared { sql, statement: Some(statement), home: self })
    }
}

/// A statement that is in use. Goes back where it was when it is dropped.
pub(crate) struct Prepared<'s, 'c> {
    sql: &'static str,
    statement: Option<Statement<'c>>,
    home: &'s Statements<'c>,
}

impl<'c> Deref for Prepared<'_, 'c> {
    type Target = Statement<'c>;

    fn deref(&self) -> &Statement<'c> {
        self.statement.as_ref().expect("it is there until the drop")
    }
}

impl DerefMut for Prepared<'_, '_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.statement.as_mut().expect("it is there until the drop")
    }
}

impl Drop for Prepared<'_, '_> {
    fn drop(&mut self) {
        if let Some(mut statement) = self.statement.take() {
            // A body that was bound is not held until the next one comes.
            statement.clear_bindings();
            self.home.idle.borrow_mut().push((self.sql, statement));
        }
    }
}
