#include "env/deadline.h"

#include <boost/asio/as_tuple.hpp>

namespace wellhead::env {

Task<void> Sleep(base::Duration limit) {
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, limit);
    co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
}

}  // namespace wellhead::env
