//! The flow language: text in, diagnostics and a blueprint out.
