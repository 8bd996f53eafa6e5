//! Each run of a store is replayed, and compared with its row in the index.

use drawloom_runtime::Error;
use drawloom_store::{Finding, RunFilter, RunRow, StoreError};

use super::progress::Progress;
use crate::{failure::Failure, workshop::Workshop};

/// So many runs are asked for at a time.
const PAGE: usize = 500;

/// What rows say of their runs that a replay does not. It stops at the run with which there are `limit` findings.
pub(super) async fn replay(
    workshop: &Workshop,
    limit: usize,
    progress: &mut Progress,
) -> Result<Vec<Finding>, Failure> {
    let (mut findings, mut before, mut runs) = (Vec::new(), None, 0_u64);
    loop {
        let page = workshop.store.runs(&RunFilter::default(), before, PAGE).await?;
        for row in &page {
            let about = row.run.to_string();
            let finding = |message| Finding { about: about.clone(), message };
            findings.extend(wrong_with(workshop, row).await?.into_iter().map(finding));
            runs += 1;
            progress.tell(|| format!("runs replayed: {runs}"));
            if findings.len() >= limit {
                return Ok(findings);
            }
        }
        before = page.last().map(|it| it.run);
        if page.len() < PAGE {
            return Ok(findings);
        }
    }
}

async fn wrong_with(workshop: &Workshop, row: &RunRow) -> Result<Vec<String>, Failure> {
    let wrong = match workshop.reader().audit(row).await {
        Ok(wrong) => wrong,
        Err(Error::Store(error @ (StoreError::Unavailable(_) | StoreError::Closed))) => return Err(error.into()),
        Err(error) => vec![error.to_string()],
    };
    // A run that is gone now was deleted while it was read.
    let is_there = wrong.is_empty() || workshop.store.run(row.run).await?.is_some();
    Ok(if is_there { wrong } else { Vec::new() })
}
