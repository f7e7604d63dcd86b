#include "env/turnstile.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <string>

#include "env/deadline.h"
#include "env/run_task.h"
#include "env/scope.h"

namespace wellhead::env {
namespace {

struct Room {
    Turnstile turnstile;
    int inside = 0;
    int most_inside = 0;
    std::string order;
};

Task<void> Visit(Room& room, char name) {
    auto pass = co_await room.turnstile.Enter();
    room.most_inside = std::max(room.most_inside, ++room.inside);
    room.order.push_back(name);
    co_await Sleep(std::chrono::microseconds(10));
    --room.inside;
}

TEST(Turnstile, LetsOneInAtATimeInOrderOfArrival) {
    boost::asio::io_context io;
    Scope scope;
    Room room;
    for (char name = 'a'; name <= 'z'; ++name) Spawn(scope, io.get_executor(), "visit", Visit(room, name));
    io.run();
    EXPECT_EQ(room.most_inside, 1);
    EXPECT_EQ(room.order, "abcdefghijklmnopqrstuvwxyz");
}

TEST(Turnstile, HoldsAcrossThreads) {
    boost::asio::thread_pool pool(4);
    Scope scope;
    Room room;
    for (int i = 0; i < 500; ++i) Spawn(scope, pool.get_executor(), "visit", Visit(room, 'x'));
    pool.join();
    EXPECT_EQ(room.most_inside, 1);
    EXPECT_EQ(room.order.size(), 500u);
    EXPECT_EQ(room.inside, 0);
}

}  // namespace
}  // namespace wellhead::env
