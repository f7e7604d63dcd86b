#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>

#include "env/blocking_pool.h"
#include "env/deadline.h"
#include "env/event.h"
#include "env/posix/posix.h"
#include "env/scope.h"

namespace wellhead::env {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

Task<void> AddOnPool(BlockingPool& pool, int& out) {
    auto add = [] { return 20 + 22; };
    out = co_await RunBlocking(pool, add);
}

Task<void> WaitForever(bool& ended) {
    Event never(co_await asio::this_coro::executor);
    co_await never.Wait();
    ended = true;
}

Task<int> SlowAnswer() {
    co_await Sleep(10s);
    co_return 1;
}

Task<void> AskWithDeadline(bool& timed_out) {
    auto answer = co_await WithDeadline(SlowAnswer(), 1ms);
    timed_out = !answer.has_value();
}

Task<void> CloseScope(Scope& scope, bool& closed) {
    co_await scope.Close();
    closed = true;
}

Task<void> Throws() {
    throw std::runtime_error("on purpose");
    co_return;
}

TEST(Task, BlockingCallResumesWithItsValue) {
    asio::io_context io;
    BlockingPool pool("test", 2);
    Scope scope;
    int answer = 0;
    Spawn(scope, io.get_executor(), "add", AddOnPool(pool, answer));
    io.run();
    EXPECT_EQ(answer, 42);
}

TEST(Task, ClosingAScopeCancelsItsTasksAndWaitsForThem) {
    asio::io_context io;
    Scope scope;
    Scope closer;
    bool ended = false;
    bool closed = false;
    Spawn(scope, io.get_executor(), "wait", WaitForever(ended));
    Spawn(closer, io.get_executor(), "close", CloseScope(scope, closed));
    io.run();
    EXPECT_TRUE(ended);
    EXPECT_TRUE(closed);
}

TEST(Task, AFailureIsReportedAndDoesNotStopTheOthers) {
    asio::io_context io;
    BlockingPool pool("test", 1);
    Scope scope;
    int answer = 0;
    Spawn(scope, io.get_executor(), "throws", Throws());
    Spawn(scope, io.get_executor(), "add", AddOnPool(pool, answer));
    io.run();
    EXPECT_EQ(answer, 42);
}

TEST(Task, ADeadlineEndsAWait) {
    asio::io_context io;
    Scope scope;
    bool timed_out = false;
    Spawn(scope, io.get_executor(), "ask", AskWithDeadline(timed_out));
    io.run();
    EXPECT_TRUE(timed_out);
}

TEST(Files, AReplacedFileHasTheNewContentsAndNoLeftover) {
    auto files = posix::MakeFiles();
    std::string dir = testing::TempDir() + "/wellhead-files-test";
    std::filesystem::remove_all(dir);
    ASSERT_TRUE(files->MakeDirectories(dir + "/a/b"));
    ASSERT_TRUE(ReplaceFileDurably(*files, dir + "/a/b/f", "one"));
    ASSERT_TRUE(ReplaceFileDurably(*files, dir + "/a/b/f", "two"));
    EXPECT_EQ(ReadWholeFile(*files, dir + "/a/b/f", 100).value(), "two");
    EXPECT_EQ(files->List(dir + "/a/b").value().size(), 1u);
    EXPECT_EQ(ReadWholeFile(*files, dir + "/none", 100).error().code, base::ErrorCode::kNotFound);
    EXPECT_EQ(ReadWholeFile(*files, dir + "/a/b/f", 2).error().code, base::ErrorCode::kLimit);
    std::filesystem::remove_all(dir);
}

TEST(Random, AUuidHasVersionFourAndIsNew) {
    auto random = posix::MakeRandom();
    std::string a = RandomUuid(*random);
    EXPECT_EQ(a.size(), 36u);
    EXPECT_EQ(a[14], '4');
    EXPECT_NE(a, RandomUuid(*random));
}

}  // namespace
}  // namespace wellhead::env
