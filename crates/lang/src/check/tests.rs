//! What is said about flows that can be read but are wrong.
