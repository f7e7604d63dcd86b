#include "gateway/body_budget.h"

namespace wellhead::gateway {

bool BodyBudget::Share::Take(uint64_t bytes) {
    uint64_t before = budget_.used_.fetch_add(bytes, std::memory_order_relaxed);
    if (before + bytes > budget_.limit_) {
        budget_.used_.fetch_sub(bytes, std::memory_order_relaxed);
        return false;
    }
    taken_ += bytes;
    return true;
}

env::Task<base::Result<base::Bytes>> ReadWithin(net::BodyReader& body, uint64_t limit, BodyBudget::Share& share) {
    base::Bytes all;
    if (body.length().value_or(0) > limit) {
        co_return base::Fail(base::ErrorCode::kLimit, "the body is too large");
    }
    for (;;) {
        CO_ASSIGN_OR_RETURN(base::Bytes piece, co_await body.Read());
        if (piece.empty()) co_return all;
        if (piece.size() > limit - all.size()) {
            co_return base::Fail(base::ErrorCode::kLimit, "the body is too large");
        }
        if (!share.Take(piece.size())) {
            co_return base::Fail(base::ErrorCode::kUnavailable, "too many large requests at once");
        }
        if (all.empty()) {
            all = std::move(piece);
        } else {
            all += piece;
        }
    }
}

}  // namespace wellhead::gateway
