//! Removes what is settled, and counts it among what was removed: rows and that together are what the nodes keep.

use std::time::Instant;

use snodo_core::Timestamp;
use snodo_store::retain::{EVENTS_MAX, Gone, GoneEvent, MOMENT};
use snodo_store::{EventSeq, MessageSeq, Progress, Removal, StoreError};

use crate::writer::Writing;
use crate::{ledger, row};

/// So many messages at once; then it is looked whether the moment is over.
const AT_ONCE: usize = 50;

/// That the event `e` is nobody's evidence, nobody's original, and not the last one.
const IS_SPENT: &str = "e.seq < (SELECT max(seq) FROM event) \
     AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.event = e.seq AND d.seq = (SELECT max(seq) FROM delivery)) \
     AND NOT EXISTS (SELECT 1 FROM identifier i WHERE i.customer = e.customer AND i.event = e.seq) \
     AND NOT EXISTS (SELECT 1 FROM consent_change c WHERE c.customer = e.customer AND c.event = e.seq) \
     AND NOT EXISTS (SELECT 1 FROM event r WHERE r.id = e.id AND r.verdict = 'duplicate' AND r.duplicate_of = e.seq)";

/// That the message `s` will not be decoded again: that would bring the events back that are gone.
const IS_DECODED: &str = "s.problem IS NULL AND NOT EXISTS ( \
     SELECT 1 FROM event q WHERE q.message = s.message AND q.verdict = 'quarantined')";

/// That the event `e` was accepted until `$1`, has ended well everywhere, and is spent.
fn is_settled() -> String {
    format!(
        "e.accepted <= $1 AND e.verdict <> 'quarantined' AND NOT EXISTS ( \
             SELECT 1 FROM delivery d WHERE d.event = e.seq AND (d.fate IS NULL OR d.fate IN ('quarantined', 'dead'))) \
         AND {IS_SPENT}"
    )
}

/// Of the next so many messages those of which something may go, and how far that was looked.
pub(super) fn messages(looked_at: usize) -> String {
    format!(
        "WITH looked AS MATERIALIZED (SELECT s.message, s.problem FROM settled_message s WHERE s.message > $2 AND s.message <= $3 \
             AND s.received <= $1 ORDER BY s.message LIMIT {looked_at}) \
         SELECT (SELECT max(message) FROM looked), ARRAY(SELECT s.message FROM looked s WHERE {IS_DECODED} \
             AND (NOT EXISTS (SELECT 1 FROM event n WHERE n.message = s.message) \
                 OR EXISTS (SELECT 1 FROM event e WHERE e.message = s.message AND {})) \
             AND s.message < (SELECT max(seq) FROM message) ORDER BY s.message)",
        is_settled()
    )
}

pub(super) fn quarantined() -> String {
    format!(
        "SELECT e.seq FROM event e WHERE e.verdict = 'quarantined' AND e.accepted <= $1 AND e.seq > $2 AND {IS_SPENT} \
         ORDER BY e.seq LIMIT $3"
    )
}

impl Writing<'_> {
    /// As much as a moment allows.
    pub async fn remove(&mut self, removal: &Removal) -> Result<Progress, StoreError> {
        let before = ledger::parsed(self.query(ledger::REMOVED, &[]).await?.first())?;
        let mut gone = Gone::new(before.clone());
        let done = match removal {
            Removal::Settled { messages, until } => self.remove_settled(messages, *until, &mut gone).await?,
            Removal::Quarantined(events) => self.remove_quarantined_events(events, &mut gone).await?,
            Removal::Undecoded(messages) => {
                self.remove_messages(messages, &mut gone).await?;
                messages.len()
            }
        };
        let Gone { balance, removed } = gone;
        if balance != before {
            let numbers = serde_json::to_string(&balance).expect("a balance is made of numbers");
            let save = "INSERT INTO removed (balance) VALUES ($1) ON CONFLICT (one) DO UPDATE SET balance = excluded.balance";
            self.execute(save, &[&numbers]).await?;
        }
        Ok(Progress { done, removed })
    }

    /// In their order; how many of them it is through with.
    async fn remove_settled(
        &mut self,
        messages: &[MessageSeq],
        until: Timestamp,
        gone: &mut Gone,
    ) -> Result<usize, StoreError> {
        let (began, mut done) = (Instant::now(), 0);
        for some in messages.chunks(AT_ONCE) {
            if done > 0 && began.elapsed() >= MOMENT {
                break;
            }
            let through = self.remove_settled_of(some, until, gone).await?;
            done += through;
            if through < some.len() {
                break;
            }
        }
        Ok(done)
    }

    /// With one of which there may be more it is not through.
    async fn remove_settled_of(
        &mut self,
        messages: &[MessageSeq],
        until: Timestamp,
        gone: &mut Gone,
    ) -> Result<usize, StoreError> {
        let sql = format!(
            "SELECT e.seq, e.message FROM event e JOIN settled_message s ON s.message = e.message \
             WHERE e.message = ANY ($2) AND {IS_DECODED} AND {} ORDER BY e.message, e.seq LIMIT {EVENTS_MAX}",
            is_settled()
        );
        let seqs: Vec<i64> = messages.iter().map(|message| message.0).collect();
        let rows = self.query(&sql, &[&until.as_millis(), &seqs]).await?;
        let more_of = (rows.len() >= EVENTS_MAX).then(|| rows[rows.len() - 1].get::<_, i64>(1));
        let through = seqs.iter().position(|seq| Some(*seq) == more_of).unwrap_or(seqs.len());
        let events: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
        self.remove_events(&events, gone).await?;
        let sql = "SELECT message FROM settled_message WHERE message = ANY ($1) AND problem IS NULL";
        let decoded = self.query(sql, &[&&seqs[..through]]).await?;
        let decoded: Vec<MessageSeq> = decoded.iter().map(|row| MessageSeq(row.get(0))).collect();
        self.remove_messages(&decoded, gone).await?;
        Ok(through)
    }

    async fn remove_quarantined_events(
        &mut self,
        events: &[EventSeq],
        gone: &mut Gone,
    ) -> Result<usize, StoreError> {
        let sql = format!(
            "SELECT e.seq, e.message FROM event e JOIN settled_message s ON s.message = e.message \
             WHERE e.seq = ANY ($1) AND e.verdict = 'quarantined' AND {IS_SPENT}"
        );
        let seqs: Vec<i64> = events.iter().map(|event| event.0).collect();
        let rows = self.query(&sql, &[&seqs]).await?;
        let still: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
        let messages: Vec<MessageSeq> = rows.iter().map(|row| MessageSeq(row.get(1))).collect();
        self.remove_events(&still, gone).await?;
        self.remove_messages(&messages, gone).await?;
        Ok(events.len())
    }

    async fn remove_events(&mut self, events: &[i64], gone: &mut Gone) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        let attempts =
            "DELETE FROM attempt a USING delivery d WHERE a.delivery = d.seq AND d.event = ANY ($1)";
        gone.removed.attempts += self.execute(attempts, &[&events]).await?;
        let deliveries = "WITH gone AS (DELETE FROM delivery WHERE event = ANY ($1) RETURNING route, fate) \
             SELECT route, fate, count(*) FROM gone GROUP BY route, fate";
        for row in &self.query(deliveries, &[&events]).await? {
            let fate = row::fate(row.get(1))?.expect("what is in flight is not removed");
            gone.deliveries(row.get(0), fate, row.get(2));
        }
        let events_of = "WITH gone AS (DELETE FROM event WHERE seq = ANY ($1) RETURNING message, verdict, routes, filtered), \
             fewer AS (UPDATE settled_message s SET events = s.events - n.count FROM ( \
                 SELECT message, count(*) AS count FROM gone GROUP BY message) n WHERE s.message = n.message) \
             SELECT verdict, routes, filtered FROM gone";
        for row in &self.query(events_of, &[&events]).await? {
            let event = GoneEvent { verdict: row.get(0), routes: row.get(1), filtered: row.get(2) };
            gone.event(event, &mut self.tally);
        }
        Ok(())
    }

    /// Messages that have no events and wait for nothing, but for the last one.
    async fn remove_messages(&self, messages: &[MessageSeq], gone: &mut Gone) -> Result<(), StoreError> {
        if messages.is_empty() {
            return Ok(());
        }
        let seqs: Vec<i64> = messages.iter().map(|message| message.0).collect();
        let sql = "WITH gone AS (DELETE FROM settled_message s WHERE s.message = ANY ($1) AND s.message < (SELECT max(seq) FROM message) \
                 AND NOT EXISTS (SELECT 1 FROM event e WHERE e.message = s.message) RETURNING s.message, s.problem IS NULL AS was_decoded), \
             bodies AS (DELETE FROM message m USING gone WHERE m.seq = gone.message) \
             SELECT was_decoded FROM gone";
        for row in &self.query(sql, &[&seqs]).await? {
            gone.message(row.get(0));
        }
        Ok(())
    }
}
