//! The control API as data: operations, shapes and their constraints, errors, AWS JSON 1.1
