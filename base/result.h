// How functions of Hinomi fail: a Result<T> is a value or an Error, and an Error is of one of five
// kinds, each with one way of handling it (CONTRIBUTING.md, "Errors"). Shaped like std::expected,
// which GCC 12 does not offer in C++20.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/check.h"

namespace hinomi {

enum class ErrorKind {
  kConfig,     // the operator's text: main prints all of them and exits with 2
  kIo,         // this file or descriptor: count, log, skip the item; the agent lives
  kCorrupt,    // bytes do not check: count what is lost, resynchronise, go on
  kTransient,  // will work later: back off, the cursor stays
  kPermanent,  // will never work: dead letter with the reason
};

/// What went wrong. `message` reads `cannot <verb> "<object>": <cause>`, and the remedy where one
/// is known.
struct Error {
  ErrorKind kind = ErrorKind::kIo;
  std::string message;
  int code = 0;  // errno, where one is the cause
};

template <typename T = void>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return std::holds_alternative<T>(state_); }
  explicit operator bool() const { return ok(); }
  /// The value; calling it on an error is a bug of the caller.
  T& value() {
    CHECK(ok());
    return std::get<T>(state_);
  }
  const T& value() const {
    CHECK(ok());
    return std::get<T>(state_);
  }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const {
    CHECK(!ok());
    return std::get<Error>(state_);
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error)
      : error_(std::move(error)), ok_(false) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return ok_; }
  explicit operator bool() const { return ok_; }
  const Error& error() const {
    CHECK(!ok_);
    return error_;
  }

 private:
  Error error_;
  bool ok_ = true;
};

/// `cannot <verb> "<object>": <text of code>`, kind io. `code` is an errno.
Error IoError(std::string_view verb, std::string_view object, int code);

}  // namespace hinomi
