//! The catalog in memory.

use async_trait::async_trait;
use bytes::Bytes;
use drawloom_blueprint::FlowHash;

use super::MemoryStore;
use crate::{Catalog, FlowRow, Publish, Published, StoreError, Version};

#[async_trait]
impl Catalog for MemoryStore {
    async fn put_version(&self, blueprint: Bytes, source: Option<&str>) -> Result<FlowHash, StoreError> {
        let hash = FlowHash::of(&blueprint);
        let mut content = self.content()?;
        let (_, kept) = content.versions.entry(hash).or_insert_with(|| (blueprint, None));
        if kept.is_none() {
            *kept = source.map(str::to_owned);
        }
        Ok(hash)
    }

    async fn version(&self, hash: FlowHash) -> Result<Option<Version>, StoreError> {
        let content = self.content()?;
        let found = content.versions.get(&hash);
        Ok(found.map(|(blueprint, source)| Version { hash, blueprint: blueprint.clone(), source: source.clone() }))
    }

    async fn versions(&self, after: Option<FlowHash>, limit: usize) -> Result<Vec<FlowHash>, StoreError> {
        let content = self.content()?;
        let from = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        Ok(content.versions.range((from, std::ops::Bound::Unbounded)).map(|(hash, _)| *hash).take(limit).collect())
    }

    async fn publish(&self, publish: Publish) -> Result<Published, StoreError> {
        let mut content = self.content()?;
        if !content.versions.contains_key(&publish.hash) {
            return Err(StoreError::Missing(format!("version {}", publish.hash)));
        }
        let Publish { flow: name, hash, note, at } = publish;
        let flow = content.flows.entry(name.clone()).or_default();
        if flow.published.last().is_none_or(|it| it.hash != hash) {
            let number = u32::try_from(flow.published.len() + 1)
                .map_err(|_| StoreError::Full(format!("flow `{name}` has too many versions")))?;
            flow.published.push(Published { flow: name, number, hash, note, at });
        }
        flow.active = flow.published.len() - 1;
        Ok(flow.published[flow.active].clone())
    }

    async fn published(&self, flow: &str, number: u32) -> Result<Option<Published>, StoreError> {
        let content = self.content()?;
        let at = usize::try_from(number).ok().and_then(|it| it.checked_sub(1));
        Ok(content.flows.get(flow).and_then(|it| it.published.get(at?)).cloned())
    }

    async fn history(&self, flow: &str, before: Option<u32>, limit: usize) -> Result<Vec<Published>, StoreError> {
        let content = self.content()?;
        let Some(flow) = content.flows.get(flow) else { return Ok(Vec::new()) };
        let rows = flow.published.iter().rev().filter(|it| before.is_none_or(|before| it.number < before));
        Ok(rows.take(limit).cloned().collect())
    }

    async fn active(&self, flow: &str) -> Result<Option<Published>, StoreError> {
        let content = self.content()?;
        Ok(content.flows.get(flow).map(|it| it.published[it.active].clone()))
    }

    async fn activate(&self, flow: &str, number: u32) -> Result<Published, StoreError> {
        let mut content = self.content()?;
        let at = usize::try_from(number).ok().and_then(|it| it.checked_sub(1));
        let found = content.flows.get_mut(flow).and_then(|it| {
            it.active = at.filter(|at| *at < it.published.len())?;
            Some(it.published[it.active].clone())
        });
        found.ok_or_else(|| StoreError::Missing(format!("version {number} of flow `{flow}`")))
    }

    async fn flows(&self, after: Option<&str>, limit: usize) -> Result<Vec<FlowRow>, StoreError> {
        let content = self.content()?;
        let from = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        let rows = content.flows.range::<str, _>((from, std::ops::Bound::Unbounded)).map(|(_, it)| FlowRow {
            active: it.published[it.active].clone(),
            latest: it.published[it.published.len() - 1].number,
        });
        Ok(rows.take(limit).collect())
    }
}
