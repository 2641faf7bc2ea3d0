//! Readings that many vendors need: decimal amounts, e-mail addresses, phone numbers. Pure text in, canonical text out.
