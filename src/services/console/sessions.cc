#include "services/console/sessions.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "api/seal.h"
#include "apis/cognito_idp/api.h"
#include "base/log.h"
#include "codec/base64.h"
#include "codec/form.h"

namespace wellhead::services::console {

namespace json = boost::json;
namespace idp = apis::cognito_idp;

namespace {

constexpr const char* kSessions = "console/sessions";
constexpr size_t kMaxCached = 2000;
// As long as Cognito's refresh tokens live unless told otherwise.
constexpr auto kLongest = std::chrono::hours(24 * 30);

class TextBody final : public net::BodyReader {
  public:
    explicit TextBody(std::string text) : text_(std::move(text)), length_(text_.size()) {}
    env::Task<base::Result<base::Bytes>> Read() override { co_return std::exchange(text_, std::string()); }
    std::optional<uint64_t> length() const override { return length_; }
    const net::Headers& trailers() const override { return trailers_; }

  private:
    std::string text_;
    uint64_t length_;
    net::Headers trailers_;
};

std::string Text(const json::object& object, std::string_view name) {
    const json::value* member = object.if_contains(name);
    return member != nullptr && member->is_string() ? std::string(member->get_string()) : std::string();
}

// What a session is found by: says nothing of the id itself.
std::string KeyOf(const std::string& id) {
    api::SealKey key = api::DeriveSealKey(id, "session key");
    return codec::EncodeHex(base::ByteView(reinterpret_cast<const char*>(key.data()), key.size()));
}

api::CallContext Inside() {
    api::CallContext context;
    context.caller.authenticated = true;
    return context;
}

base::Error Refused(std::string why) { return {base::ErrorCode::kPermission, std::move(why)}; }

}  // namespace

env::Task<net::HttpResponse> AskLogin(net::HttpHandler& login, std::string method, std::string target,
                                      std::string body) {
    TextBody reader(std::move(body));
    net::HttpRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.authority = "console";
    request.headers = {{"content-type", "application/x-www-form-urlencoded"}};
    request.body = &reader;
    co_return co_await login.Handle(request);
}

env::Task<base::Result<void>> Sessions::LoadKeys() {
    auto response = co_await AskLogin(*apis_.login, "GET", "/" + client_.user_pool_id + "/.well-known/jwks.json", "");
    auto* body = std::get_if<base::Bytes>(&response.body);
    if (response.status != 200 || body == nullptr) co_return std::unexpected(Refused("the key set cannot be had"));
    auto keys = api::JwtKeySet::FromJwks(*body);
    if (!keys) co_return std::unexpected(keys.error());
    std::lock_guard lock(mutex_);
    keys_ = std::move(*keys);
    co_return base::Result<void>();
}

env::Task<base::Result<Sessions::Entry>> Sessions::Accept(Tokens tokens, const std::string& nonce) {
    bool loaded = false;
    {
        std::lock_guard lock(mutex_);
        loaded = keys_.has_value();
    }
    if (!loaded) CO_RETURN_IF_ERROR(co_await LoadKeys());
    std::optional<api::JwtKeySet> keys;
    {
        std::lock_guard lock(mutex_);
        keys = keys_;
    }
    api::JwtExpectation expected{{}, "access", client_.client_id, deps_.clock.Now()};
    CO_ASSIGN_OR_RETURN(json::object access, keys->Verify(tokens.access, expected));
    expected.token_use = "id";
    CO_ASSIGN_OR_RETURN(json::object id, keys->Verify(tokens.id, expected));
    if (!Text(id, "iss").ends_with("/" + client_.user_pool_id)) {
        co_return std::unexpected(Refused("the token is from another issuer"));
    }
    if (!nonce.empty() && Text(id, "nonce") != nonce) co_return std::unexpected(Refused("the nonce is another"));
    Entry entry;
    entry.who.username = Text(id, "cognito:username");
    entry.who.email = Text(id, "email");
    if (const json::value* groups = id.if_contains("cognito:groups"); groups != nullptr && groups->is_array()) {
        for (const json::value& group : groups->get_array()) {
            if (group.is_string()) entry.who.groups.emplace_back(group.get_string());
        }
    }
    entry.fresh_until = base::FromUnixMs(access.at("exp").to_number<int64_t>() * 1000);
    entry.tokens = std::move(tokens);
    co_return entry;
}

env::Task<base::Result<void>> Sessions::Keep(const std::string& id, const Entry& entry) {
    json::object plain{{"access", entry.tokens.access}, {"id", entry.tokens.id}, {"refresh", entry.tokens.refresh}};
    std::string sealed =
        api::Seal(api::DeriveSealKey(id, "session tokens"), deps_.random, "tokens", json::serialize(plain));
    json::object record{{"expires", base::ToUnixMs(deps_.clock.Now() + kLongest)},
                        {"tokens", codec::EncodeBase64(sealed)}};
    storage::TableBatch batch;
    batch.Put(kSessions, KeyOf(id), json::serialize(record));
    CO_RETURN_IF_ERROR(co_await deps_.table.Commit(std::move(batch)));
    std::lock_guard lock(mutex_);
    if (entries_.size() >= kMaxCached) entries_.clear();
    entries_[KeyOf(id)] = entry;
    co_return base::Result<void>();
}

env::Task<base::Result<void>> Sessions::RemoveExpired() {
    CO_ASSIGN_OR_RETURN(auto entries, co_await deps_.table.Scan(kSessions, storage::PrefixRange("")));
    storage::TableBatch batch;
    int64_t now = base::ToUnixMs(deps_.clock.Now());
    for (const auto& entry : entries) {
        boost::system::error_code error;
        json::value record = json::parse(entry.value, error);
        const json::value* expires = !error && record.is_object() ? record.get_object().if_contains("expires") : nullptr;
        if (expires == nullptr || !expires->is_int64() || expires->get_int64() <= now) batch.Delete(kSessions, entry.key);
    }
    if (batch.steps().empty()) co_return base::Result<void>();
    co_return co_await deps_.table.Commit(std::move(batch));
}

env::Task<base::Result<std::string>> Sessions::Begin(std::string code, std::string verifier, std::string redirect_uri,
                                                     std::string nonce) {
    codec::Form form;
    form.Add("grant_type", "authorization_code").Add("client_id", client_.client_id).Add("code", std::move(code));
    form.Add("redirect_uri", std::move(redirect_uri)).Add("code_verifier", std::move(verifier));
    if (!client_.client_secret.empty()) form.Add("client_secret", client_.client_secret);
    auto response = co_await AskLogin(*apis_.login, "POST", "/oauth2/token", form.ToString());
    auto* body = std::get_if<base::Bytes>(&response.body);
    if (response.status != 200 || body == nullptr) co_return std::unexpected(Refused("the code was not accepted"));
    json::object answer = json::parse(*body).as_object();
    Tokens tokens{Text(answer, "access_token"), Text(answer, "id_token"), Text(answer, "refresh_token")};
    CO_ASSIGN_OR_RETURN(Entry entry, co_await Accept(std::move(tokens), nonce));
    std::string id = env::RandomHex(deps_.random, 32);
    CO_RETURN_IF_ERROR(co_await Keep(id, entry));
    co_return id;
}

env::Task<std::optional<Sessions::Tokens>> Sessions::Load(const std::string& id) {
    auto record = co_await deps_.table.Get(kSessions, KeyOf(id));
    if (!record || !*record) co_return std::nullopt;
    boost::system::error_code error;
    json::value value = json::parse(**record, error);
    if (error || !value.is_object()) co_return std::nullopt;
    auto sealed = codec::DecodeBase64(Text(value.get_object(), "tokens"));
    if (!sealed) co_return std::nullopt;
    auto plain = api::Unseal(api::DeriveSealKey(id, "session tokens"), "tokens", *sealed);
    if (!plain) co_return std::nullopt;
    json::object tokens = json::parse(*plain).as_object();
    co_return Tokens{Text(tokens, "access"), Text(tokens, "id"), Text(tokens, "refresh")};
}

env::Task<std::optional<Sessions::Entry>> Sessions::Renew(const std::string& id, Tokens tokens) {
    idp::GetTokensFromRefreshTokenRequest request;
    request.ClientId = client_.client_id;
    if (!client_.client_secret.empty()) request.ClientSecret = client_.client_secret;
    request.RefreshToken = tokens.refresh;
    api::CallContext context = Inside();
    auto renewed = co_await apis_.cognito->GetTokensFromRefreshToken(context, std::move(request));
    if (!renewed || !renewed->AuthenticationResult) co_return std::nullopt;
    const auto& result = *renewed->AuthenticationResult;
    Tokens fresh{result.AccessToken.value_or(""), result.IdToken.value_or(""),
                 result.RefreshToken.value_or(tokens.refresh)};
    auto entry = co_await Accept(std::move(fresh), "");
    if (!entry) {
        base::LogWarning("console", "renewed tokens were not accepted: {}", entry.error().message);
        co_return std::nullopt;
    }
    auto kept = co_await Keep(id, *entry);
    if (!kept) base::LogWarning("console", "a session cannot be kept: {}", kept.error().message);
    co_return std::move(*entry);
}

env::Task<std::optional<SignedIn>> Sessions::Find(std::string id) {
    if (id.size() != 64) co_return std::nullopt;
    std::string key = KeyOf(id);
    std::optional<Entry> known;
    {
        std::lock_guard lock(mutex_);
        auto found = entries_.find(key);
        if (found != entries_.end()) known = found->second;
    }
    base::Instant now = deps_.clock.Now();
    if (known && now < known->fresh_until) co_return known->who;
    std::optional<Tokens> tokens;
    if (known) {
        tokens = known->tokens;
    } else {
        tokens = co_await Load(id);
        if (!tokens) co_return std::nullopt;
        auto entry = co_await Accept(*tokens, "");
        if (entry) {
            std::lock_guard lock(mutex_);
            entries_[key] = *entry;
            co_return entry->who;
        }
    }
    auto renewed = co_await Renew(id, std::move(*tokens));
    if (renewed) co_return renewed->who;
    co_await End(id);
    co_return std::nullopt;
}

env::Task<void> Sessions::End(std::string id) {
    std::string key = KeyOf(id);
    std::optional<Tokens> tokens = co_await Load(id);
    {
        std::lock_guard lock(mutex_);
        entries_.erase(key);
    }
    storage::TableBatch batch;
    batch.Delete(kSessions, key);
    auto removed = co_await deps_.table.Commit(std::move(batch));
    if (!removed) base::LogWarning("console", "a session cannot be removed: {}", removed.error().message);
    if (!tokens) co_return;
    idp::RevokeTokenRequest request;
    request.ClientId = client_.client_id;
    if (!client_.client_secret.empty()) request.ClientSecret = client_.client_secret;
    request.Token = tokens->refresh;
    api::CallContext context = Inside();
    auto revoked = co_await apis_.cognito->RevokeToken(context, std::move(request));
    if (!revoked) base::LogWarning("console", "a token cannot be revoked: {}", revoked.error().message);
}

}  // namespace wellhead::services::console
