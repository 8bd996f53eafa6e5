//! Reads a whole store through its port and says what does not fit together.
//!
//! **Invariant:** only reads. What it finds wrong in one store it finds wrong in every other. A run that goes on or is
//! deleted meanwhile is nothing wrong.

use std::collections::BTreeMap;

use drawloom_blueprint::{Blueprint, Fact, FlowHash, Move, RunEnd, RunStatus, Started};

use crate::{Finding, Record, RunFilter, RunRow, Store, StoreError};

const PAGE: usize = 500;

/// At most `limit` findings about runs, facts, versions and blobs.
///
/// # Errors
/// Where the store cannot be read at all.
pub async fn verify(store: &dyn Store, limit: usize) -> Result<Vec<Finding>, StoreError> {
    let mut it = Verifier { store, limit, findings: Vec::new(), versions: BTreeMap::new() };
    it.versions().await?;
    it.runs().await?;
    it.findings.truncate(limit);
    Ok(it.findings)
}

struct Verifier<'a> {
    store: &'a dyn Store,
    limit: usize,
    findings: Vec<Finding>,
    /// Versions that were looked at, and what is wrong with them.
    versions: BTreeMap<FlowHash, Option<String>>,
}

impl Verifier<'_> {
    fn found(&mut self, about: &impl ToString, message: impl Into<String>) {
        self.findings.push(Finding { about: about.to_string(), message: message.into() });
    }

    fn is_full(&self) -> bool {
        self.findings.len() >= self.limit
    }

    async fn versions(&mut self) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let page = self.store.versions(after, PAGE).await?;
            for hash in &page {
                if let Some(message) = self.version(*hash).await? {
                    self.found(&format!("version {hash}"), message);
                }
                if self.is_full() {
                    return Ok(());
                }
            }
            after = page.last().copied();
            if page.len() < PAGE {
                return Ok(());
            }
        }
    }

    /// What is wrong with a version.
    async fn version(&mut self, hash: FlowHash) -> Result<Option<String>, StoreError> {
        if let Some(known) = self.versions.get(&hash) {
            return Ok(known.clone());
        }
        let wrong = match self.store.version(hash).await {
            Ok(Some(it)) => Blueprint::decode(&it.blueprint).err().map(|it| format!("its blueprint is {it}")),
            Ok(None) => Some("it is not in the store".to_owned()),
            Err(StoreError::Damaged(message)) => Some(message),
            Err(other) => return Err(other),
        };
        self.versions.insert(hash, wrong.clone());
        Ok(wrong)
    }

    async fn runs(&mut self) -> Result<(), StoreError> {
        let mut before = None;
        loop {
            let page = self.store.runs(&RunFilter::default(), before, PAGE).await?;
            for row in &page {
                self.run(row).await?;
                if self.is_full() {
                    return Ok(());
                }
            }
            before = page.last().map(|it| it.run);
            if page.len() < PAGE {
                return Ok(());
            }
        }
    }

    async fn run(&mut self, row: &RunRow) -> Result<(), StoreError> {
        let wrong = self.wrong_with(row).await?;
        // A run that is gone now was deleted while it was read.
        if !wrong.is_empty() && self.store.run(row.run).await?.is_some() {
            wrong.into_iter().for_each(|it| self.found(&row.run, it));
        }
        Ok(())
    }

    async fn wrong_with(&mut self, row: &RunRow) -> Result<Vec<String>, StoreError> {
        let mut wrong = Vec::new();
        if !self.versions.contains_key(&row.head.version) && self.version(row.head.version).await?.is_some() {
            wrong.push(format!("its version {} is not in the store", row.head.version));
        }
        for hash in self.store.blobs_of(row.run).await? {
            if !self.store.has_blob(hash).await? {
                wrong.push(format!("its blob {hash} is missing"));
            }
        }
        let mut journal = Journaled::as_of(row);
        let mut after = 0;
        loop {
            let page = match self.store.facts(row.run, after).await {
                Ok(page) => page,
                Err(StoreError::Damaged(message)) => {
                    wrong.push(message);
                    return Ok(wrong);
                }
                Err(other) => return Err(other),
            };
            let Some(last) = page.last() else { break };
            after = last.seq;
            if let Err(message) = page.iter().try_for_each(|it| journal.read(it)) {
                wrong.push(message);
                return Ok(wrong);
            }
        }
        wrong.extend(self.wrong_count(row, after).await?);
        wrong.extend(journal.compare(row));
        Ok(wrong)
    }

    /// What is wrong where the row of a run counts other facts than those that were read after it.
    async fn wrong_count(&self, row: &RunRow, last: u64) -> Result<Option<String>, StoreError> {
        let mut counted = row.last_seq;
        if counted < last && !row.state.status.is_end() {
            // It went on after its row was read; its row of now is newer than its facts.
            counted = self.store.run(row.run).await?.map_or(last, |it| it.last_seq.min(last));
        }
        Ok((counted != last).then(|| format!("its row counts {counted} facts and its journal has {last}")))
    }
}

/// What the facts of a run say about its row.
struct Journaled {
    /// The fact after which the row was written.
    as_of: u64,
    last_seq: u64,
    started: Option<Started>,
    ended: Option<RunEnd>,
}

impl Journaled {
    fn as_of(row: &RunRow) -> Self {
        Self { as_of: row.last_seq, last_seq: 0, started: None, ended: None }
    }

    fn read(&mut self, record: &Record) -> Result<(), String> {
        if record.seq != self.last_seq + 1 {
            return Err(format!("fact {} follows fact {}", record.seq, self.last_seq));
        }
        self.last_seq = record.seq;
        let fact = Fact::decode(&record.fact).map_err(|it| format!("fact {} is {it}", record.seq))?;
        for it in fact.moves {
            match it {
                Move::Started(it) if record.seq == 1 => self.started = Some(*it),
                Move::Started(_) => return Err(format!("fact {} starts the run again", record.seq)),
                Move::Ended(it) if record.seq <= self.as_of => self.ended = Some(*it),
                _ => {}
            }
        }
        Ok(())
    }

    fn compare(&self, row: &RunRow) -> Vec<String> {
        let mut wrong = Vec::new();
        match &self.started {
            None => wrong.push("its first fact does not start it".to_owned()),
            Some(it) if it.run != row.run => wrong.push(format!("its first fact starts run {}", it.run)),
            Some(it) if it.flow != row.head.flow || it.version != row.head.version => {
                wrong.push(format!("its first fact names flow `{}`, version {}", it.flow, it.version));
            }
            Some(_) => {}
        }
        let journaled = self.ended.as_ref().map(|it| it.status);
        let indexed = Some(row.state.status).filter(|it| it.is_end());
        if journaled != indexed {
            let name = |it: Option<RunStatus>| it.map_or("not ended", RunStatus::name);
            wrong.push(format!("its row says {} and its journal {}", name(indexed), name(journaled)));
        }
        if row.state.ended_at.is_some() != indexed.is_some() {
            wrong.push("its row has an end time without an end, or an end without a time".to_owned());
        }
        wrong
    }
}
