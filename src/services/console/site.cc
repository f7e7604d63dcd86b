#include "services/console/site.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value_from.hpp>

#include "base/log.h"
#include "base/metrics.h"
#include "codec/base64.h"
#include "services/console/pipeline_map.h"

namespace wellhead::services::console {

namespace {

constexpr std::string_view kSessionCookie = "wellhead_session";
constexpr std::string_view kLoginCookie = "wellhead_login";
constexpr size_t kMaxBody = 512 * 1024;
constexpr const char* kScopes = "openid email profile";

std::string CookieOf(const net::HttpRequest& request, std::string_view name) {
    for (std::string_view line : request.headers.FindAll("cookie")) {
        while (!line.empty()) {
            size_t end = std::min(line.find(';'), line.size());
            std::string_view pair = line.substr(0, end);
            line.remove_prefix(std::min(end + 1, line.size()));
            while (pair.starts_with(' ')) pair.remove_prefix(1);
            size_t equals = pair.find('=');
            if (equals != pair.npos && pair.substr(0, equals) == name) return std::string(pair.substr(equals + 1));
        }
    }
    return {};
}

std::string Cookie(std::string_view name, std::string_view value, const net::HttpRequest& request, int seconds) {
    return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{}", name, value, seconds,
                       request.tls ? "; Secure" : "");
}

net::HttpResponse Redirect(std::string location) {
    net::HttpResponse response;
    response.status = 303;
    response.headers = {{"location", std::move(location)}, {"cache-control", "no-store"}, {"referrer-policy", "no-referrer"}};
    response.body = base::Bytes();
    return response;
}

net::HttpResponse Plain(int status, std::string text) {
    net::HttpResponse response;
    response.status = status;
    response.headers = {{"content-type", "text/plain; charset=utf-8"}, {"cache-control", "no-store"},
                        {"x-content-type-options", "nosniff"}};
    response.body = std::move(text);
    return response;
}

net::HttpResponse SignedOut() {
    json::object body{{"code", "SignedOut"}, {"message", "Sign in first."}};
    return JsonAnswer(401, body);
}

std::string S256(std::string_view verifier) {
    base::Bytes hash(SHA256_DIGEST_LENGTH, '\0');
    SHA256(reinterpret_cast<const uint8_t*>(verifier.data()), verifier.size(), reinterpret_cast<uint8_t*>(hash.data()));
    return codec::EncodeBase64Url(hash);
}

// A path of our own page, never another site.
bool IsOwnPath(const std::string& path) {
    return path.starts_with('/') && !path.starts_with("//") && !path.starts_with("/\\") &&
           path.find_first_of("\r\n") == std::string::npos && path.size() < 2000;
}

bool WantsPage(const net::HttpRequest& request) {
    auto accept = request.headers.Find("accept");
    return (request.method == "GET" || request.method == "HEAD") && accept && accept->find("text/html") != accept->npos;
}

}  // namespace

Site::Site(Apis apis, Dependencies dependencies, Settings settings, LoginClient client, std::span<const PageFile> page)
    : apis_(apis),
      deps_(dependencies),
      settings_(std::move(settings)),
      page_(page),
      sessions_(apis, dependencies, std::move(client)),
      live_(apis, dependencies, settings_),
      origins_(settings_.origins) {}

void Site::SetOrigins(std::vector<std::string> origins) {
    std::lock_guard lock(mutex_);
    origins_ = std::move(origins);
}

std::vector<std::string> Site::Origins() const {
    std::lock_guard lock(mutex_);
    return origins_;
}

std::string Site::OriginOf(const net::HttpRequest& request) const {
    return (request.tls ? "https://" : "http://") + request.authority;
}

bool Site::Addressed(const net::HttpRequest& request) const {
    std::vector<std::string> origins = Origins();
    auto ours = [&](std::string_view origin) { return std::find(origins.begin(), origins.end(), origin) != origins.end(); };
    if (!ours(OriginOf(request))) return false;
    auto origin = request.headers.Find("origin");
    return !origin || ours(*origin) || (*origin == "null" && request.method == "GET");
}

env::Task<net::HttpResponse> Site::Handle(net::HttpRequest& request) {
    net::HttpResponse response = co_await Route(request);
    // Whatever it is: it stays out of frames and sends no address on.
    if (!response.headers.Find("x-frame-options")) response.headers.Add("x-frame-options", "DENY");
    if (!response.headers.Find("referrer-policy")) response.headers.Add("referrer-policy", "no-referrer");
    response.headers.Set("cross-origin-opener-policy", "same-origin");
    response.headers.Set("cross-origin-resource-policy", "same-origin");
    co_return response;
}

env::Task<net::HttpResponse> Site::Route(net::HttpRequest& request) {
    if (!Addressed(request)) {
        std::vector<std::string> origins = Origins();
        std::string address = origins.empty() ? "no address" : origins.front();
        co_return Plain(421, fmt::format("The console answers at {} only.\n", address));
    }
    std::string path(request.path());
    // Without a session: the sign-in, and nothing else.
    if (path == "/oauth2/authorize" || path == "/login") co_return co_await apis_.login->Handle(request);
    if (path == "/login-start") co_return BeginLogin(request);
    if (path == "/login-callback") co_return co_await FinishLogin(request);

    auto who = co_await sessions_.Find(CookieOf(request, kSessionCookie));
    if (!who) {
        if (!WantsPage(request)) co_return SignedOut();
        codec::Form next;
        next.Add("next", request.target);
        co_return Redirect("/login-start?" + next.ToString());
    }
    if (path == "/sign-out") co_return co_await SignOut(request);
    if (path.starts_with("/api/")) co_return co_await ServeApi(request, std::move(*who));
    if (path == "/live") co_return ServeLive(request);
    co_return ServePage(request);
}

net::HttpResponse Site::BeginLogin(const net::HttpRequest& request) {
    auto query = codec::Form::Parse(request.query());
    std::string next = query ? query->Get("next") : "/";
    if (!IsOwnPath(next)) next = "/";
    // What must come back unchanged, in a cookie that only this browser has: state, PKCE's verifier, nonce, where to go.
    std::string state = env::RandomHex(deps_.random, 16);
    std::string verifier = env::RandomHex(deps_.random, 32);
    std::string nonce = env::RandomHex(deps_.random, 16);
    codec::Form authorize;
    authorize.Add("client_id", sessions_.client().client_id)
        .Add("response_type", "code")
        .Add("redirect_uri", OriginOf(request) + "/login-callback")
        .Add("scope", kScopes)
        .Add("state", state)
        .Add("nonce", nonce)
        .Add("code_challenge", S256(verifier))
        .Add("code_challenge_method", "S256");
    auto response = Redirect("/oauth2/authorize?" + authorize.ToString());
    std::string kept = state + "." + verifier + "." + nonce + "." + codec::EncodeBase64Url(next);
    response.headers.Add("set-cookie", Cookie(kLoginCookie, kept, request, 1800));
    return response;
}

env::Task<net::HttpResponse> Site::FinishLogin(const net::HttpRequest& request) {
    auto query = codec::Form::Parse(request.query());
    std::string kept = CookieOf(request, kLoginCookie);
    std::vector<std::string> parts;
    for (size_t from = 0; from <= kept.size();) {
        size_t end = std::min(kept.find('.', from), kept.size());
        parts.push_back(kept.substr(from, end - from));
        from = end + 1;
    }
    // A login that was begun elsewhere, or long ago: once more from the start.
    if (!query || parts.size() != 4 || query->Get("state") != parts[0] || query->Get("code").empty()) {
        co_return Redirect("/login-start");
    }
    auto id = co_await sessions_.Begin(query->Get("code"), parts[1], OriginOf(request) + "/login-callback", parts[2]);
    if (!id) {
        base::LogInfo("console", "a login was refused: {}", id.error().message);
        co_return Redirect("/login-start");
    }
    std::string next = codec::DecodeBase64Url(parts[3]).value_or("/");
    auto response = Redirect(IsOwnPath(next) ? next : "/");
    response.headers.Add("set-cookie", Cookie(kSessionCookie, *id, request, 30 * 24 * 3600));
    response.headers.Add("set-cookie", Cookie(kLoginCookie, "", request, 0));
    co_return response;
}

env::Task<net::HttpResponse> Site::SignOut(const net::HttpRequest& request) {
    if (request.method != "POST" || !request.headers.Find("x-wellhead-console")) {
        co_return Plain(405, "POST, from the console's page\n");
    }
    co_await sessions_.End(CookieOf(request, kSessionCookie));
    net::HttpResponse response;
    response.status = 204;
    response.headers = {{"set-cookie", Cookie(kSessionCookie, "", request, 0)}, {"clear-site-data", "\"cache\""}};
    response.body = base::Bytes();
    co_return response;
}

env::Task<json::value> Site::PipelineNow(ResourceCall call) {
    base::Tick now = deps_.clock.Ticks();
    if (metrics_.Due(now)) {
        MetricValues values = ParseMetrics(base::Metrics::Global().PrometheusText());
        values["console live"] = static_cast<double>(live_.records());
        metrics_.Take(now, std::move(values));
    }
    ConsoleFigures figures{.viewers = live_.viewers(),
                           .live_rate = metrics_.Rate("console live"),
                           .live_records = live_.records(),
                           .mqtt_endpoint = settings_.mqtt_endpoint};
    co_return co_await DescribePipeline(call, metrics_, figures);
}

env::Task<JsonOutcome> Site::Resource(std::string path, ResourceCall call) {
    if (path == "GET /api/pipeline") co_return co_await PipelineNow(call);
    if (path == "GET /api/streams") co_return co_await ListStreams(call);
    if (path == "GET /api/shards") co_return co_await ListShards(call);
    if (path == "GET /api/records") co_return co_await ListRecords(call, deps_.clock.Now());
    if (path == "GET /api/things") co_return co_await ListThings(call);
    if (path == "GET /api/thing") co_return co_await GetThing(call);
    if (path == "GET /api/buckets") co_return co_await ListBuckets(call);
    if (path == "GET /api/objects") co_return co_await ListObjects(call);
    if (path == "GET /api/tables") co_return co_await ListTables(call);
    if (path == "GET /api/table") co_return co_await GetTable(call);
    if (path == "GET /api/partitions") co_return co_await ListPartitions(call);
    if (path == "GET /api/crawlers") co_return co_await ListCrawlers(call);
    if (path == "POST /api/crawlers/start") co_return co_await StartCrawler(call);
    if (path == "POST /api/queries") co_return co_await StartQuery(call);
    if (path == "POST /api/queries/stop") co_return co_await StopQuery(call);
    if (path == "GET /api/queries") co_return co_await ListQueries(call);
    if (path == "GET /api/query") co_return co_await GetQuery(call);
    if (path == "GET /api/results") co_return co_await GetResults(call);
    co_return std::unexpected(NotServed(path));
}

env::Task<net::HttpResponse> Site::ServeApi(net::HttpRequest& request, SignedIn who) {
    // A changing call carries a header that a form of another site cannot send.
    if (request.method != "GET" && !request.headers.Find("x-wellhead-console")) {
        co_return Plain(403, "The call does not come from the console's page.\n");
    }
    auto query = codec::Form::Parse(request.query());
    if (!query) co_return Plain(400, "The address is malformed.\n");
    ResourceCall call{.apis = apis_, .context = {}, .query = std::move(*query), .body = {}};
    call.context.request_id = env::RandomUuid(deps_.random);
    call.context.account_id = settings_.account_id;
    call.context.region = settings_.region;
    call.context.host = request.authority;
    call.context.tls = request.tls;
    call.context.peer_address = request.peer.address;
    call.context.caller.account_id = settings_.account_id;
    call.context.caller.arn =
        fmt::format("arn:aws:sts::{}:assumed-role/wellhead-console/{}", settings_.account_id, who.username);
    call.context.caller.authenticated = true;
    std::string path(request.path());
    if (path == "/api/session" && request.method == "GET") {
        json::object session{{"user", who.username},          {"groups", json::value_from(who.groups)},
                             {"region", settings_.region},    {"account", settings_.account_id},
                             {"version", settings_.version},  {"endpoint", settings_.aws_endpoint}};
        if (!who.email.empty()) session["email"] = who.email;
        co_return JsonAnswer(200, session);
    }
    if (path == "/api/object" && request.method == "GET") co_return co_await DownloadObject(call);
    if (request.method == "POST") {
        auto body = co_await net::ReadAll(*request.body, kMaxBody);
        if (!body) co_return Plain(400, "The body did not arrive whole.\n");
        boost::system::error_code error;
        json::value value = json::parse(*body, error);
        if (error || !value.is_object()) co_return Plain(400, "The body is no JSON object.\n");
        call.body = std::move(value.get_object());
    }
    auto outcome = co_await Resource(request.method + " " + path, std::move(call));
    if (!outcome) co_return ErrorAnswer(outcome.error());
    co_return JsonAnswer(200, *outcome);
}

net::HttpResponse Site::ServeLive(const net::HttpRequest& request) {
    auto query = codec::Form::Parse(request.query());
    std::string stream = query ? query->Get("stream") : "";
    // Addressed() took requests without an Origin too; a browser always sends one with a WebSocket.
    if (!request.headers.Find("origin")) return Plain(403, "A WebSocket of another site.\n");
    if (stream.empty() || stream.size() > 128) return Plain(400, "Which stream?\n");
    if (apis_.kinesis == nullptr) return ErrorAnswer(NotServed("Kinesis"));
    net::HttpResponse response;
    response.status = 101;
    response.body = base::Bytes();
    response.upgrade = live_.Watch(std::move(stream));
    return response;
}

net::HttpResponse Site::ServePage(const net::HttpRequest& request) {
    if (request.method != "GET" && request.method != "HEAD") return Plain(405, "GET\n");
    auto find = [this](std::string_view path) {
        return std::find_if(page_.begin(), page_.end(), [path](const PageFile& file) { return file.path == path; });
    };
    auto file = find(request.path());
    // Every other address is one of the page's own views.
    if (file == page_.end() && WantsPage(request)) file = find("/index.html");
    if (file == page_.end()) return Plain(404, "No such file.\n");
    net::HttpResponse response;
    bool html = file->path.ends_with(".html");
    response.headers = {{"content-type", std::string(file->content_type)},
                        {"etag", std::string(file->etag)},
                        {"vary", "accept-encoding"},
                        {"x-content-type-options", "nosniff"},
                        {"cache-control", file->immutable ? "private, max-age=31536000, immutable" : "no-cache"}};
    if (html) {
        std::string sockets;
        for (const std::string& origin : Origins()) {
            sockets += " ws" + origin.substr(4);
        }
        // The component library and the charts set style properties by script, which needs no exception; nothing else is
        // loaded from anywhere but here.
        response.headers.Add("content-security-policy",
                             "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src "
                             "'self' data:; connect-src 'self'" + sockets +
                                 "; form-action 'none'; frame-ancestors 'none'; base-uri 'none'");
    }
    if (auto known = request.headers.Find("if-none-match"); known && *known == file->etag) {
        response.status = 304;
        response.body = base::Bytes();
        return response;
    }
    auto encodings = request.headers.Find("accept-encoding");
    if (!file->gzip.empty() && encodings && encodings->find("gzip") != encodings->npos) {
        response.headers.Add("content-encoding", "gzip");
        response.body = base::Bytes(file->gzip);
    } else {
        response.body = base::Bytes(file->plain);
    }
    return response;
}

}  // namespace wellhead::services::console
