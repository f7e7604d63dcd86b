#include "services/console/console.h"

#include "apis/cognito_idp/api.h"
#include "base/log.h"
#include "services/console/site.h"

namespace wellhead::services::console {

namespace idp = apis::cognito_idp;

namespace {

constexpr const char* kSettings = "console/settings";
constexpr const char* kPoolName = "wellhead-console";
constexpr const char* kFirstUser = "admin";

class TheConsole final : public Console {
  public:
    TheConsole(Apis apis, Dependencies dependencies, Settings settings, LoginClient client,
               std::span<const PageFile> page, std::optional<FirstLogin> first_login)
        : apis_(apis),
          settings_(settings),
          client_(client),
          site_(apis, dependencies, std::move(settings), std::move(client), page),
          first_login_(std::move(first_login)) {}

    net::HttpHandler& handler() override { return site_; }
    const std::optional<FirstLogin>& first_login() const override { return first_login_; }
    env::Task<base::Result<void>> SetOrigins(std::vector<std::string> origins) override;

  private:
    Apis apis_;
    Settings settings_;
    LoginClient client_;
    Site site_;
    std::optional<FirstLogin> first_login_;
};

base::Error FromService(const api::ServiceError& error) {
    return {base::ErrorCode::kUnavailable, "the console's login: " + error.code + ": " + error.message};
}

#define CONSOLE_ASSIGN_OR_RETURN(lhs, tmp, expr)                              \
    auto tmp = (expr);                                                        \
    if (!tmp) co_return std::unexpected(FromService(tmp.error()));            \
    lhs = std::move(*tmp)

api::CallContext Inside(const Settings& settings) {
    api::CallContext context;
    context.account_id = settings.account_id;
    context.region = settings.region;
    context.caller.account_id = settings.account_id;
    context.caller.authenticated = true;
    return context;
}

std::vector<std::string> CallbacksOf(const Settings& settings) {
    std::vector<std::string> callbacks;
    for (const std::string& origin : settings.origins) callbacks.push_back(origin + "/login-callback");
    // A code client must have one; until the addresses are known nobody can come back to it anyway.
    if (callbacks.empty()) callbacks.push_back("http://localhost/login-callback");
    return callbacks;
}

// What makes the client the console's: set again at each start, as the addresses may be others.
template <class Request>
void Describe(Request& request, const Settings& settings) {
    request.CallbackURLs = CallbacksOf(settings);
    request.AllowedOAuthFlowsUserPoolClient = true;
    request.AllowedOAuthFlows = {"code"};
    request.AllowedOAuthScopes = {"openid", "email", "profile"};
    request.SupportedIdentityProviders = {"COGNITO"};
    request.ExplicitAuthFlows = {"ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"};
    request.PreventUserExistenceErrors = "ENABLED";
    // Minutes: a user who was disabled or signed out everywhere is out of the console this soon.
    request.AccessTokenValidity = 5;
    request.IdTokenValidity = 5;
    request.TokenValidityUnits.emplace();
    request.TokenValidityUnits->AccessToken = "minutes";
    request.TokenValidityUnits->IdToken = "minutes";
    request.TokenValidityUnits->RefreshToken = "days";
    request.RefreshTokenValidity = 30;
}

env::Task<base::Result<std::string>> MakePool(Apis apis, Dependencies deps, const api::CallContext& context) {
    idp::CreateUserPoolRequest request;
    request.PoolName = kPoolName;
    request.AdminCreateUserConfig.emplace();
    request.AdminCreateUserConfig->AllowAdminCreateUserOnly = true;
    request.DeletionProtection = "ACTIVE";
    CONSOLE_ASSIGN_OR_RETURN(auto response, made, co_await apis.cognito->CreateUserPool(context, std::move(request)));
    std::string pool_id = *response.UserPool->Id;
    storage::TableBatch batch;
    batch.Put(kSettings, "user_pool_id", pool_id);
    CO_RETURN_IF_ERROR(co_await deps.table.Commit(std::move(batch)));
    co_return pool_id;
}

env::Task<base::Result<LoginClient>> OwnClient(Apis apis, Dependencies deps, const Settings& settings,
                                               const api::CallContext& context) {
    LoginClient client;
    CO_ASSIGN_OR_RETURN(auto pool_id, co_await deps.table.Get(kSettings, "user_pool_id"));
    if (pool_id) {
        client.user_pool_id = *pool_id;
    } else {
        CO_ASSIGN_OR_RETURN(client.user_pool_id, co_await MakePool(apis, deps, context));
    }
    CO_ASSIGN_OR_RETURN(auto client_id, co_await deps.table.Get(kSettings, "client_id"));
    if (client_id) {
        idp::UpdateUserPoolClientRequest update;
        update.UserPoolId = client.user_pool_id;
        update.ClientId = *client_id;
        Describe(update, settings);
        CONSOLE_ASSIGN_OR_RETURN(auto updated, outcome,
                                 co_await apis.cognito->UpdateUserPoolClient(context, std::move(update)));
        client.client_id = *client_id;
        client.client_secret = updated.UserPoolClient->ClientSecret.value_or("");
        co_return client;
    }
    idp::CreateUserPoolClientRequest create;
    create.UserPoolId = client.user_pool_id;
    create.ClientName = kPoolName;
    create.GenerateSecret = true;
    Describe(create, settings);
    CONSOLE_ASSIGN_OR_RETURN(auto created, outcome,
                             co_await apis.cognito->CreateUserPoolClient(context, std::move(create)));
    client.client_id = *created.UserPoolClient->ClientId;
    client.client_secret = created.UserPoolClient->ClientSecret.value_or("");
    storage::TableBatch batch;
    batch.Put(kSettings, "client_id", client.client_id);
    CO_RETURN_IF_ERROR(co_await deps.table.Commit(std::move(batch)));
    co_return client;
}

env::Task<base::Result<LoginClient>> GivenClient(Apis apis, const Settings& settings, const api::CallContext& context) {
    idp::DescribeUserPoolClientRequest ask;
    ask.UserPoolId = settings.user_pool_id;
    ask.ClientId = settings.client_id;
    CONSOLE_ASSIGN_OR_RETURN(auto found, outcome, co_await apis.cognito->DescribeUserPoolClient(context, std::move(ask)));
    LoginClient client{settings.user_pool_id, settings.client_id, found.UserPoolClient->ClientSecret.value_or("")};
    co_return client;
}

std::string TemporaryPassword(env::Random& random) {
    constexpr std::string_view kLetters = "abcdefghijkmnpqrstuvwxyz";
    constexpr std::string_view kCapitals = "ABCDEFGHJKLMNPQRSTUVWXYZ";
    std::string password;
    for (int group = 0; group < 4; ++group) {
        if (group > 0) password += '-';
        for (int i = 0; i < 4; ++i) password += kLetters[env::RandomUint64(random) % kLetters.size()];
    }
    password[0] = kCapitals[env::RandomUint64(random) % kCapitals.size()];
    return password + std::to_string(2 + env::RandomUint64(random) % 8);
}

// Makes the first user; or gives one who never signed in a new password, since nobody can read the old one.
env::Task<base::Result<std::optional<FirstLogin>>> EnsureFirstUser(Apis apis, Dependencies deps,
                                                                   const std::string& pool_id,
                                                                   const api::CallContext& context) {
    idp::ListUsersRequest list;
    list.UserPoolId = pool_id;
    list.Limit = 2;
    CONSOLE_ASSIGN_OR_RETURN(auto users, listed, co_await apis.cognito->ListUsers(context, std::move(list)));
    FirstLogin login{kFirstUser, TemporaryPassword(deps.random)};
    if (!users.Users || users.Users->empty()) {
        idp::AdminCreateUserRequest create;
        create.UserPoolId = pool_id;
        create.Username = kFirstUser;
        create.TemporaryPassword = login.password;
        create.MessageAction = "SUPPRESS";
        auto made = co_await apis.cognito->AdminCreateUser(context, std::move(create));
        if (!made) co_return std::unexpected(FromService(made.error()));
        co_return std::optional<FirstLogin>(login);
    }
    const auto& first = users.Users->front();
    if (users.Users->size() != 1 || first.Username != kFirstUser || first.UserStatus != "FORCE_CHANGE_PASSWORD") {
        co_return std::optional<FirstLogin>();
    }
    idp::AdminSetUserPasswordRequest set;
    set.UserPoolId = pool_id;
    set.Username = kFirstUser;
    set.Password = login.password;
    auto renewed = co_await apis.cognito->AdminSetUserPassword(context, std::move(set));
    if (!renewed) co_return std::unexpected(FromService(renewed.error()));
    co_return std::optional<FirstLogin>(login);
}

env::Task<base::Result<void>> TheConsole::SetOrigins(std::vector<std::string> origins) {
    if (settings_.user_pool_id.empty()) {
        Settings now = settings_;
        now.origins = origins;
        idp::UpdateUserPoolClientRequest update;
        update.UserPoolId = client_.user_pool_id;
        update.ClientId = client_.client_id;
        Describe(update, now);
        api::CallContext context = Inside(settings_);
        auto updated = co_await apis_.cognito->UpdateUserPoolClient(context, std::move(update));
        if (!updated) co_return std::unexpected(FromService(updated.error()));
    }
    site_.SetOrigins(std::move(origins));
    co_return base::Result<void>();
}

}  // namespace

env::Task<base::Result<std::unique_ptr<Console>>> Console::Open(Apis apis, Dependencies dependencies, Settings settings,
                                                                std::span<const PageFile> page) {
    api::CallContext context = Inside(settings);
    LoginClient client;
    std::optional<FirstLogin> first_login;
    if (settings.user_pool_id.empty()) {
        CO_ASSIGN_OR_RETURN(client, co_await OwnClient(apis, dependencies, settings, context));
    } else {
        CO_ASSIGN_OR_RETURN(client, co_await GivenClient(apis, settings, context));
    }
    auto first = co_await EnsureFirstUser(apis, dependencies, client.user_pool_id, context);
    if (first) {
        first_login = std::move(*first);
    } else {
        // A pool of the user's own with demands of its own: whoever made it makes its users too.
        base::LogWarning("console", "no first user: {}", first.error().message);
    }
    Sessions sessions(apis, dependencies, client);
    CO_RETURN_IF_ERROR(co_await sessions.RemoveExpired());
    co_return std::make_unique<TheConsole>(apis, dependencies, std::move(settings), std::move(client), page,
                                           std::move(first_login));
}

}  // namespace wellhead::services::console
