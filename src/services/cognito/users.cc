#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <charconv>

#include "apis/cognito_idp/errors.h"
#include "base/log.h"
#include "codec/base64.h"
#include "services/cognito/digest.h"
#include "services/cognito/passwords.h"
#include "services/cognito/service.h"
#include "services/cognito/user_filter.h"

namespace wellhead::services::cognito {

namespace {

constexpr int kMaxWrongCodes = 5;

bool LooksLikeEmail(const std::string& text) {
    size_t at = text.find('@');
    return at != std::string::npos && at > 0 && at + 1 < text.size() && text.find('@', at + 1) == std::string::npos &&
           text.find(' ') == std::string::npos;
}
bool LooksLikePhone(const std::string& text) {
    return text.size() > 2 && text[0] == '+' && text.find_first_not_of("0123456789", 1) == std::string::npos;
}

const idp::SchemaAttributeType* FindInSchema(const Pool& pool, const std::string& name) {
    for (const auto& attribute : *pool.description.SchemaAttributes) {
        if (attribute.Name == name) return &attribute;
    }
    return nullptr;
}

}  // namespace

std::vector<idp::AttributeType> ToAttributes(const User& user) {
    std::vector<idp::AttributeType> attributes;
    auto add = [&](const std::string& name, const std::string& value) {
        auto& each = attributes.emplace_back();
        each.Name = name;
        each.Value = value;
    };
    add("sub", user.sub());
    for (const auto& [name, value] : user.attributes) {
        if (name != "sub") add(name, value);
    }
    return attributes;
}

idp::UserType ToUserType(const User& user) {
    idp::UserType out;
    out.Username = user.username;
    out.Attributes = ToAttributes(user);
    out.UserCreateDate = user.created;
    out.UserLastModifiedDate = user.modified;
    out.Enabled = user.enabled;
    out.UserStatus = user.status;
    return out;
}

namespace {

std::optional<int64_t> Number(const std::optional<std::string>& text) {
    int64_t number = 0;
    if (!text) return std::nullopt;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
    if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
    return number;
}

int64_t Characters(const std::string& text) {
    return std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
}

// What keeps value from being one of this attribute; empty when nothing does.
std::string Nonconformity(const idp::SchemaAttributeType& schema, const std::string& value) {
    const std::string type = schema.AttributeDataType.value_or("String");
    if (type == "Number") {
        const auto number = Number(value);
        if (!number) return "Number is expected";
        if (!schema.NumberAttributeConstraints) return "";
        const auto least = Number(schema.NumberAttributeConstraints->MinValue);
        const auto most = Number(schema.NumberAttributeConstraints->MaxValue);
        if (least && *number < *least) return fmt::format("Number must be no less than {}", *least);
        if (most && *number > *most) return fmt::format("Number must be no larger than {}", *most);
        return "";
    }
    if (type == "Boolean") {
        const bool boolean = strcasecmp(value.c_str(), "true") == 0 || strcasecmp(value.c_str(), "false") == 0;
        return boolean ? "" : "Boolean is expected";
    }
    if (!schema.StringAttributeConstraints) return "";
    const auto least = Number(schema.StringAttributeConstraints->MinLength);
    const auto most = Number(schema.StringAttributeConstraints->MaxLength);
    if (least && Characters(value) < *least) return fmt::format("String must be no shorter than {} characters", *least);
    if (most && Characters(value) > *most) return fmt::format("String must be no longer than {} characters", *most);
    return "";
}

}  // namespace

api::Outcome<void> SetAttributes(const Pool& pool, User& user, const std::vector<idp::AttributeType>& attributes,
                                 bool by_admin) {
    auto refuse = [](std::string why) { return std::unexpected(idp::InvalidParameterException(std::move(why))); };
    for (const auto& attribute : attributes) {
        const std::string value = attribute.Value.value_or("");
        if (attribute.Name == "sub") {
            return refuse("Cannot modify the non-mutable attribute sub");
        }
        const auto* schema = FindInSchema(pool, attribute.Name);
        if (schema == nullptr) {
            return refuse(fmt::format("Attributes did not conform to the schema: {}: Attribute does not exist in the "
                                      "schema.",
                                      attribute.Name));
        }
        // An empty value takes the attribute away.
        if (const std::string why = value.empty() ? "" : Nonconformity(*schema, value); !why.empty()) {
            return refuse(fmt::format("Attributes did not conform to the schema: {}: {}", attribute.Name, why));
        }
        if (attribute.Name.ends_with("_verified") && !by_admin) {
            return std::unexpected(idp::NotAuthorizedException(
                "A client attempted to write unauthorized attribute"));
        }
        if (!schema->Mutable.value_or(true) && user.attributes.contains(attribute.Name)) {
            return refuse(fmt::format("user.{}: Attribute cannot be updated.", attribute.Name));
        }
        if (attribute.Name == "email" && !value.empty() && !LooksLikeEmail(value)) {
            return refuse("Invalid email address format.");
        }
        if (attribute.Name == "phone_number" && !value.empty() && !LooksLikePhone(value)) {
            return refuse("Invalid phone number format.");
        }
        bool changes = user.Attribute(attribute.Name) != value;
        if (changes && !by_admin && (attribute.Name == "email" || attribute.Name == "phone_number")) {
            user.attributes[attribute.Name + "_verified"] = "false";
        }
        user.attributes[attribute.Name] = value;
    }
    return {};
}

api::Outcome<void> DeleteAttributes(const Pool& pool, User& user, const std::vector<std::string>& names) {
    for (const std::string& name : names) {
        const auto* schema = FindInSchema(pool, name);
        if (schema == nullptr || name == "sub" || schema->Required.value_or(false)) {
            return std::unexpected(idp::InvalidParameterException(
                fmt::format("user.{}: Attribute cannot be deleted.", name)));
        }
        user.attributes.erase(name);
        if (name == "email" || name == "phone_number") user.attributes.erase(name + "_verified");
    }
    return {};
}

api::Outcome<void> CheckCode(std::optional<Code>& code, const std::string& given, base::Instant now) {
    if (!code) {
        return std::unexpected(idp::ExpiredCodeException("Invalid code provided, please request a code again."));
    }
    if (code->expires <= now) {
        code.reset();
        return std::unexpected(idp::ExpiredCodeException("Invalid code provided, please request a code again."));
    }
    if (code->wrong >= kMaxWrongCodes) {
        return std::unexpected(idp::LimitExceededException("Attempt limit exceeded, please try after some time."));
    }
    if (!EqualInConstantTime(codec::EncodeHex(Sha256(given)), code->hash)) {
        ++code->wrong;
        return std::unexpected(
            idp::CodeMismatchException("Invalid verification code provided, please try again."));
    }
    code.reset();
    return {};
}

Code CognitoService::Remember(const std::string& code) const {
    return {codec::EncodeHex(Sha256(code)), deps_.clock.Now() + std::chrono::hours(1), 0};
}

idp::CodeDeliveryDetailsType CognitoService::Deliver(const Pool& pool, const User& user, const std::string& attribute,
                                                     const std::string& code, const char* purpose) {
    base::LogInfo("cognito", "code {} for user {} of pool {}, to {}", code, user.username, pool.id(), purpose);
    idp::CodeDeliveryDetailsType details;
    std::string address = user.Attribute(attribute);
    size_t at = address.find('@');
    details.AttributeName = attribute;
    details.DeliveryMedium = attribute == "phone_number" ? "SMS" : "EMAIL";
    if (at != std::string::npos && at + 1 < address.size()) {
        details.Destination = address.substr(0, 1) + "***@" + address.substr(at + 1, 1) + "***";
    } else if (address.size() > 4) {
        details.Destination = "+*******" + address.substr(address.size() - 4);
    } else {
        details.Destination = "server log";
    }
    return details;
}

env::Task<api::Outcome<User>> CognitoService::FindUserOrFail(const Pool& pool, std::string name) {
    CO_ASSIGN_OR_RETURN(auto user, co_await store_.FindUser(pool, name));
    if (!user) co_return std::unexpected(idp::UserNotFoundException("User does not exist."));
    co_return std::move(*user);
}

env::Task<api::Outcome<User>> CognitoService::ChangeNamed(const Pool& pool, std::string name, Store::Change change) {
    CO_ASSIGN_OR_RETURN(User user, co_await FindUserOrFail(pool, name));
    base::Instant now = deps_.clock.Now();
    Store::Change stamped = [&](User& each) -> api::Outcome<void> {
        each.modified = now;
        return change(each);
    };
    co_return co_await store_.ChangeUser(pool, user.username, stamped);
}

env::Task<api::Outcome<User>> CognitoService::NewUser(const Pool& pool, std::string name,
                                                      std::vector<idp::AttributeType> attributes, bool by_admin) {
    User user;
    user.created = user.modified = deps_.clock.Now();
    user.attributes["sub"] = env::RandomUuid(deps_.random);
    const auto& by = pool.description.UsernameAttributes;
    if (by && !by->empty()) {
        auto allowed = [&](const char* kind) { return std::find(by->begin(), by->end(), kind) != by->end(); };
        std::string kind = allowed("email") && LooksLikeEmail(name)          ? "email"
                           : allowed("phone_number") && LooksLikePhone(name) ? "phone_number"
                                                                             : "";
        if (kind.empty()) {
            co_return std::unexpected(idp::InvalidParameterException(
                allowed("email") ? "Username should be an email." : "Username should be a phone number."));
        }
        user.username = user.sub();
        user.attributes[kind] = name;
    } else {
        const auto& aliases = pool.description.AliasAttributes;
        bool email_alias = aliases && std::find(aliases->begin(), aliases->end(), "email") != aliases->end();
        if (email_alias && LooksLikeEmail(name)) {
            co_return std::unexpected(idp::InvalidParameterException(
                "Username cannot be of email format, since user pool is configured for email alias."));
        }
        user.username = name;
    }
    auto set = SetAttributes(pool, user, attributes, by_admin);
    if (!set) co_return std::unexpected(set.error());
    for (const auto& attribute : *pool.description.SchemaAttributes) {
        if (attribute.Required.value_or(false) && !user.attributes.contains(attribute.Name.value_or(""))) {
            co_return std::unexpected(idp::InvalidParameterException(
                fmt::format("Attributes did not conform to the schema: {}: The attribute {} is required",
                            *attribute.Name, *attribute.Name)));
        }
    }
    co_return user;
}

CognitoService::Answer<idp::AdminCreateUserResponse> CognitoService::AdminCreateUser(
    const api::CallContext&, idp::AdminCreateUserRequest request) {
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(request.UserPoolId));
    if (request.MessageAction.value_or("") == "RESEND") {
        CO_ASSIGN_OR_RETURN(User existing, co_await FindUserOrFail(pool, request.Username));
        if (existing.status != "FORCE_CHANGE_PASSWORD") {
            co_return std::unexpected(idp::UnsupportedUserStateException(
                fmt::format("Resend not possible. {} status is not FORCE_CHANGE_PASSWORD", request.Username)));
        }
    }
    std::string password =
        request.TemporaryPassword ? *request.TemporaryPassword : GeneratePassword(deps_.random, pool);
    auto fits = CheckPasswordPolicy(pool, password);
    if (!fits) co_return std::unexpected(fits.error());
    auto days = pool.description.Policies && pool.description.Policies->PasswordPolicy
                    ? pool.description.Policies->PasswordPolicy->TemporaryPasswordValidityDays.value_or(7)
                    : 7;
    base::Instant until = deps_.clock.Now() + std::chrono::hours(24 * days);
    idp::AdminCreateUserResponse response;
    User user;
    if (request.MessageAction.value_or("") == "RESEND") {
        CO_ASSIGN_OR_RETURN(user, co_await FindUserOrFail(pool, request.Username));
        SrpVerifier verifier = co_await sign_in_.Verifier(pool, user.username, password);
        Store::Change change = [&](User& each) -> api::Outcome<void> {
            each.password = verifier;
            each.temporary_until = until;
            return {};
        };
        CO_ASSIGN_OR_RETURN(user, co_await ChangeNamed(pool, user.username, change));
    } else {
        CO_ASSIGN_OR_RETURN(
            user, co_await NewUser(pool, request.Username,
                                   std::move(request.UserAttributes).value_or(std::vector<idp::AttributeType>()), true));
        user.status = "FORCE_CHANGE_PASSWORD";
        user.temporary_until = until;
        user.password = co_await sign_in_.Verifier(pool, user.username, password);
        CO_RETURN_IF_ERROR(co_await store_.AddUser(pool, user));
    }
    // There is nobody to mail it to: whoever did not choose the password finds it in the log.
    if (!request.TemporaryPassword && request.MessageAction.value_or("") != "SUPPRESS") {
        base::LogInfo("cognito", "temporary password {} for user {} of pool {}", password, user.username, pool.id());
    }
    response.User = ToUserType(user);
    co_return response;
}

CognitoService::Answer<idp::AdminGetUserResponse> CognitoService::AdminGetUser(const api::CallContext&,
                                                                               idp::AdminGetUserRequest request) {
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(request.UserPoolId));
    CO_ASSIGN_OR_RETURN(User user, co_await FindUserOrFail(pool, request.Username));
    idp::AdminGetUserResponse response;
    response.Username = user.username;
    response.UserAttributes = ToAttributes(user);
    response.UserCreateDate = user.created;
    response.UserLastModifiedDate = user.modified;
    response.Enabled = user.enabled;
    response.UserStatus = user.status;
    co_return response;
}

CognitoService::Answer<idp::AdminDeleteUserOutput> CognitoService::AdminDeleteUser(
    const api::CallContext&, idp::AdminDeleteUserRequest request) {
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(request.UserPoolId));
    CO_ASSIGN_OR_RETURN(User user, co_await FindUserOrFail(pool, request.Username));
    CO_RETURN_IF_ERROR(co_await store_.DeleteUser(pool, user));
    co_return idp::AdminDeleteUserOutput();
}

CognitoService::Answer<idp::AdminEnableUserResponse> CognitoService::AdminEnableUser(
    const api::CallContext&, idp::AdminEnableUserRequest request) {
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(request.UserPoolId));
    Store::Change enable = [](User& user) -> api::Outcome<void> {
        user.enabled = true;
        return {};
    };
    CO_RETURN_IF_ERROR(co_await ChangeNamed(pool, request.Username, enable));
    co_return idp::AdminEnableUserResponse();
}

CognitoService::Answer<idp::AdminDisableUserResponse> CognitoService::AdminDisableUser(
    const api::CallContext&, idp::AdminDisableUserRequest request) {
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(request.UserPoolId));
    Store::Change disable = [](User& user) -> api::Outcome<void> {
        user.enabled = false;
        return {};
    };
    CO_ASSIGN_OR_RETURN(User user, co_await ChangeNamed(pool, request.Username, disable));
    CO_RETURN_IF_ERROR(co_await store_.DeleteSessions(pool.id(), user.username));
    co_return idp::AdminDisableUserResponse();
}

CognitoService::Answer<idp::AdminSetUserPasswordResponse> CognitoService::AdminSetUserPassword(
    const api::CallContext&, idp::AdminSetUserPasswordRequest request) {
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(request.UserPoolId));
    CO_ASSIGN_OR_RETURN(User user, co_await FindUserOrFail(pool, request.Username));
    auto fits = CheckPasswordPolicy(pool, request.Password);
    if (!fits) co_return std::unexpected(fits.error());
    SrpVerifier verifier = co_await sign_in_.Verifier(pool, user.username, request.Password);
    bool permanent = request.Permanent.value_or(false);
    base::Instant until = deps_.clock.Now() + std::chrono::hours(24 * 7);
    Store::Change change = [&](User& each) -> api::Outcome<void> {
        each.password = verifier;
        each.status = permanent ? "CONFIRMED" : "FORCE_CHANGE_PASSWORD";
        each.temporary_until = permanent ? std::nullopt : std::optional(until);
        return {};
    };
    CO_RETURN_IF_ERROR(co_await ChangeNamed(pool, user.username, change));
    sign_in_.attempts().Succeeded(JoinKey(pool.id(), user.username));
    co_return idp::AdminSetUserPasswordResponse();
}

CognitoService::Answer<idp::AdminResetUserPasswordResponse> CognitoService::AdminResetUserPassword(
    const api::CallContext&, idp::AdminResetUserPasswordRequest request) {
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(request.UserPoolId));
    std::string code = GenerateCode(deps_.random);
    Store::Change change = [&](User& user) -> api::Outcome<void> {
        user.status = "RESET_REQUIRED";
        user.reset = Remember(code);
        return {};
    };
    CO_ASSIGN_OR_RETURN(User user, co_await ChangeNamed(pool, request.Username, change));
    Deliver(pool, user, "email", code, "reset the password");
    co_return idp::AdminResetUserPasswordResponse();
}

CognitoService::Answer<idp::AdminConfirmSignUpResponse> CognitoService::AdminConfirmSignUp(
    const api::CallContext&, idp::AdminConfirmSignUpRequest request) {
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(request.UserPoolId));
    Store::Change confirm = [](User& user) -> api::Outcome<void> {
        if (user.status != "UNCONFIRMED") {
            return std::unexpected(idp::NotAuthorizedException(
                fmt::format("User cannot be confirmed. Current status is {}", user.status)));
        }
        user.status = "CONFIRMED";
        user.confirmation.reset();
        return {};
    };
    CO_RETURN_IF_ERROR(co_await ChangeNamed(pool, request.Username, confirm));
    co_return idp::AdminConfirmSignUpResponse();
}

CognitoService::Answer<idp::AdminUpdateUserAttributesResponse> CognitoService::AdminUpdateUserAttributes(
    const api::CallContext&, idp::AdminUpdateUserAttributesRequest request) {
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(request.UserPoolId));
    Store::Change change = [&](User& user) { return SetAttributes(pool, user, request.UserAttributes, true); };
    CO_RETURN_IF_ERROR(co_await ChangeNamed(pool, request.Username, change));
    co_return idp::AdminUpdateUserAttributesResponse();
}

CognitoService::Answer<idp::AdminDeleteUserAttributesResponse> CognitoService::AdminDeleteUserAttributes(
    const api::CallContext&, idp::AdminDeleteUserAttributesRequest request) {
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(request.UserPoolId));
    Store::Change change = [&](User& user) { return DeleteAttributes(pool, user, request.UserAttributeNames); };
    CO_RETURN_IF_ERROR(co_await ChangeNamed(pool, request.Username, change));
    co_return idp::AdminDeleteUserAttributesResponse();
}

CognitoService::Answer<idp::AdminUserGlobalSignOutResponse> CognitoService::AdminUserGlobalSignOut(
    const api::CallContext&, idp::AdminUserGlobalSignOutRequest request) {
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(request.UserPoolId));
    CO_ASSIGN_OR_RETURN(User user, co_await FindUserOrFail(pool, request.Username));
    CO_RETURN_IF_ERROR(co_await store_.DeleteSessions(pool.id(), user.username));
    co_return idp::AdminUserGlobalSignOutResponse();
}

CognitoService::Answer<idp::ListUsersResponse> CognitoService::ListUsers(const api::CallContext&,
                                                                         idp::ListUsersRequest request) {
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(request.UserPoolId));
    auto filter = UserFilter::Parse(request.Filter.value_or(""));
    if (!filter) co_return std::unexpected(idp::InvalidParameterException(filter.error()));
    idp::ListUsersResponse response;
    auto& list = response.Users.emplace();
    size_t limit = static_cast<size_t>(request.Limit.value_or(60));
    const auto after = codec::DecodeBase64(request.PaginationToken.value_or(""));
    if (!after) co_return std::unexpected(idp::InvalidParameterException("Invalid pagination token."));
    CO_ASSIGN_OR_RETURN(auto users, co_await store_.ListUsers(pool.id(), *after, SIZE_MAX));
    for (const User& user : users) {
        if (!filter->Matches(user)) continue;
        if (list.size() == limit) {
            response.PaginationToken = codec::EncodeBase64(*list.back().Username);
            break;
        }
        list.push_back(ToUserType(user));
        if (request.AttributesToGet && !request.AttributesToGet->empty()) {
            std::erase_if(*list.back().Attributes, [&](const auto& attribute) {
                return std::find(request.AttributesToGet->begin(), request.AttributesToGet->end(), attribute.Name) ==
                       request.AttributesToGet->end();
            });
        }
    }
    co_return response;
}

}  // namespace wellhead::services::cognito
