#pragma once
// The pages a person signs in on: HTML and its few rules, rendered here, without scripts.

#include <string>

namespace wellhead::services::cognito {

struct LoginPage {
    std::string pool_name;
    std::string csrf;
    std::string username;  // what was typed before
    std::string error;     // shown above the form, empty without
};
std::string RenderLogin(const LoginPage& page);

struct NewPasswordPage {
    std::string pool_name;
    std::string csrf;
    std::string username;
    std::string session;  // sealed, opaque
    std::string error;
    std::string demands;  // "At least 8 characters, ..."
};
std::string RenderNewPassword(const NewPasswordPage& page);

// For what cannot be sent back to the application: an unknown client, a wrong redirect address.
std::string RenderMessage(const std::string& title, const std::string& text);

// The Content-Security-Policy that lets these pages do what they do and nothing else. form_target: origin the form's
// answer may lead to, beside our own.
std::string PagePolicy(const std::string& form_target);

}  // namespace wellhead::services::cognito
