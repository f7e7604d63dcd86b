// Asio is compiled once, here (BOOST_ASIO_SEPARATE_COMPILATION), not in every file that includes a part of it.
#include <boost/asio/impl/src.hpp>
