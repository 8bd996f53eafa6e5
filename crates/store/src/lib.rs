//! The store port: contracts, the memory store, the vault's cipher, and the conformance suite.
