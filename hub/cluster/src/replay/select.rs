//! Which events and messages a replay is about. Reads only, page by page, and never beyond what was there when it began.

use snodo_core::Fate;
use snodo_store::{EventSeq, Filter, MessageSeq, Page, Selector, StoreError, Which};

use crate::Reader;
use crate::find::Narrowed;
use crate::text::kept;

impl Reader {
    /// The place of the last event that there is.
    pub fn last_event(&self) -> Result<EventSeq, StoreError> {
        let sql = "SELECT coalesce(max(seq), 0) FROM event";
        Ok(EventSeq(self.with(async |client| client.query_one(sql, &[]).await)?.get(0)))
    }

    /// The next page of events after `after`, up to `last`, that the selector may mean. None: there are no more.
    pub fn replayable_events(
        &self,
        selector: &Selector,
        after: EventSeq,
        last: EventSeq,
    ) -> Result<Vec<EventSeq>, StoreError> {
        // One more than a page has: mostly it is of the next.
        let (mut page, mut after, some) = (Page::default(), after, Page::SIZE + 1);
        loop {
            let Narrowed { sql, values } = events(selector, after, last);
            let sql = format!("SELECT e.seq, e.message FROM event e WHERE {sql} ORDER BY e.seq LIMIT {some}");
            let values = Narrowed::parameters(&values);
            let rows = self.with(async |client| client.query(&sql, &values).await)?;
            for row in &rows {
                after = EventSeq(row.get(0));
                if !page.takes(after, MessageSeq(row.get(1))) {
                    return Ok(page.events);
                }
            }
            if rows.len() < some {
                return Ok(page.events);
            }
        }
    }

    /// The same for messages that lie in quarantine as a whole.
    pub fn replayable_messages(
        &self,
        selector: &Selector,
        after: MessageSeq,
    ) -> Result<Vec<MessageSeq>, StoreError> {
        if !selector.takes_messages() {
            return Ok(Vec::new());
        }
        let Filter { channel, since, until, .. } = &selector.filter;
        let mut narrowed = Narrowed::default();
        narrowed.by("s.message > ?", after.0);
        if let Some(channel) = channel {
            narrowed.by("m.channel = ?", channel.as_str().to_owned());
        }
        if let Some(since) = since {
            narrowed.by("s.received >= ?", since.as_millis());
        }
        if let Some(until) = until {
            narrowed.by("s.received <= ?", until.as_millis());
        }
        if let Some(reason) = &selector.which.reason {
            narrowed.by("strpos(s.problem, ?) > 0", kept(reason).into_owned());
        }
        let Narrowed { sql, values } = narrowed;
        let sql = format!(
            "SELECT s.message FROM settled_message s JOIN message m ON m.seq = s.message WHERE s.problem IS NOT NULL AND {sql} \
             ORDER BY s.message LIMIT {}",
            Page::SIZE
        );
        let values = Narrowed::parameters(&values);
        let rows = self.with(async |client| client.query(&sql, &values).await)?;
        Ok(rows.iter().map(|row| MessageSeq(row.get(0))).collect())
    }
}

fn events(selector: &Selector, after: EventSeq, last: EventSeq) -> Narrowed {
    let Selector { events, filter, which, rematch } = selector;
    let mut narrowed = Narrowed::default();
    let Filter { channel, kind, customer, since, until, .. } = filter.clone();
    narrowed.to(&Filter { channel, kind, customer, since, until, ..Filter::default() });
    narrowed.by("e.seq > ?", after.0);
    narrowed.by("e.seq <= ?", last.0);
    if !events.is_empty() {
        let seqs: Vec<i64> = events.iter().map(|seq| seq.0).collect();
        narrowed.by("e.seq = ANY (?)", seqs);
    }
    let on_routes = match selector.takes_all_routed() {
        true => "TRUE".to_owned(),
        false => on_routes(&mut narrowed, which, *rematch),
    };
    let quarantined = match (which.takes_whole(Fate::Quarantined), &which.reason) {
        (false, _) => "FALSE".to_owned(),
        (true, None) => "TRUE".to_owned(),
        (true, Some(reason)) => {
            format!("strpos(e.violations, {}) > 0", narrowed.bound(kept(reason).into_owned()))
        }
    };
    let duplicate = if which.takes_repetitions() { "TRUE" } else { "FALSE" };
    narrowed.sql.push_str(&format!(
        " AND CASE e.verdict WHEN 'routed' THEN {on_routes} WHEN 'quarantined' THEN {quarantined} ELSE {duplicate} END"
    ));
    narrowed
}

/// That a delivery of the event `e` is meant.
fn on_routes(narrowed: &mut Narrowed, which: &Which, rematch: bool) -> String {
    let mut sql = "EXISTS (SELECT 1 FROM delivery d WHERE d.event = e.seq".to_owned();
    let Which { destination, route, fate, reason } = which;
    if let Some(fate) = fate {
        sql += &format!(" AND d.fate = {}", narrowed.bound(fate.as_str().to_owned()));
    }
    // With today's routes, it is where it would go now that counts.
    if let Some(destination) = destination.as_ref().filter(|_| !rematch) {
        sql += &format!(" AND d.destination = {}", narrowed.bound(destination.as_str().to_owned()));
    }
    if let Some(route) = route {
        sql += &format!(" AND d.route = {}", narrowed.bound(route.as_str().to_owned()));
    }
    if let Some(reason) = reason {
        sql += &format!(" AND strpos(d.reason, {}) > 0", narrowed.bound(kept(reason).into_owned()));
    }
    sql + ")"
}
