#include "base/certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <ctime>
#include <memory>
#include <optional>

namespace hinomi {
namespace {

using std::chrono::seconds;

struct Deleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};

}  // namespace

Result<seconds> ExpiryOf(std::string_view pem) {
  const std::unique_ptr<BIO, Deleter> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::optional<seconds> first;
  ERR_clear_error();
  while (const std::unique_ptr<X509, Deleter> certificate{
      PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) {
    tm time{};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &time) != 1) break;
    const seconds expiry(timegm(&time));
    first = std::min(first.value_or(expiry), expiry);
  }
  const bool at_the_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (first && at_the_end) return *first;
  return Error{ErrorKind::kCorrupt, first || !at_the_end ? "a certificate cannot be read"
                                                         : "there is no certificate in it"};
}

}  // namespace hinomi
