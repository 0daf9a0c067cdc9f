//! What is told, to whom, and what becomes of it when nobody answers.

mod couriers;
mod media;
mod texts;
