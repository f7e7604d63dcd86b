#include "server/free_port.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace wellhead::server {

base::Result<uint16_t> FreePort(const std::string& address) {
    namespace asio = boost::asio;
    boost::system::error_code error;
    auto ip = asio::ip::make_address(address, error);
    if (error) return base::Fail(base::ErrorCode::kInvalidArgument, address + " is not an address");
    asio::io_context context;
    asio::ip::tcp::acceptor acceptor(context);
    acceptor.open(ip.is_v6() ? asio::ip::tcp::v6() : asio::ip::tcp::v4(), error);
    if (!error) acceptor.bind({ip, 0}, error);
    if (error) return base::Fail(base::ErrorCode::kUnavailable, address + ": " + error.message());
    return acceptor.local_endpoint().port();
}

}  // namespace wellhead::server
