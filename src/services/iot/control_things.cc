// Things, thing types, and what is attached to things.

#include <fmt/format.h>

#include "apis/iot/errors.h"
#include "services/iot/iot_control.h"
#include "services/iot/paging.h"

namespace wellhead::services::iot {

namespace {

constexpr size_t kMaxAttributesWithoutType = 3;
constexpr size_t kMaxAttributes = 50;

// AWS's limits on attributes. Empty values stand for "no attribute" and are dropped.
api::Outcome<void> CheckAttributes(const std::map<std::string, std::string>& attributes, bool typed) {
    size_t limit = typed ? kMaxAttributes : kMaxAttributesWithoutType;
    if (attributes.size() > limit) {
        return std::unexpected(wire::InvalidRequestException(
            fmt::format("A thing {} has at most {} attributes", typed ? "with a type" : "without a type", limit)));
    }
    for (const auto& [name, value] : attributes) {
        if (name.empty() || name.size() > 128 || value.size() > 800) {
            return std::unexpected(wire::InvalidRequestException("The attribute " + name + " is too long"));
        }
    }
    return {};
}

void DropEmpty(std::map<std::string, std::string>& attributes) {
    std::erase_if(attributes, [](const auto& attribute) { return attribute.second.empty(); });
}

wire::ThingTypeProperties PropertiesOf(const ThingType& type) {
    wire::ThingTypeProperties properties;
    if (!type.description.empty()) properties.thingTypeDescription = type.description;
    if (!type.searchable_attributes.empty()) properties.searchableAttributes = type.searchable_attributes;
    return properties;
}

wire::ThingTypeMetadata MetadataOf(const ThingType& type) {
    wire::ThingTypeMetadata metadata;
    metadata.deprecated = type.deprecated.has_value();
    metadata.deprecationDate = type.deprecated;
    metadata.creationDate = type.created;
    return metadata;
}

api::ServiceError AlreadyExists(const std::string& what, const std::string& name, const std::string& arn) {
    auto error = wire::ResourceAlreadyExistsException(fmt::format("{} {} already exists", what, name));
    error.members["resourceId"] = name;
    error.members["resourceArn"] = arn;
    return error;
}

api::ServiceError NotFound(const std::string& what, const std::string& name) {
    return wire::ResourceNotFoundException(fmt::format("{} {} cannot be found.", what, name));
}

}  // namespace

env::Task<api::Outcome<wire::CreateThingResponse>> IotControl::CreateThing(const api::CallContext&,
                                                                           wire::CreateThingRequest input) {
    if (input.billingGroupName) {
        co_return std::unexpected(wire::InvalidRequestException("Billing groups are not served"));
    }
    Thing thing;
    thing.name = input.thingName;
    thing.type_name = input.thingTypeName.value_or("");
    if (input.attributePayload && input.attributePayload->attributes) {
        thing.attributes = *input.attributePayload->attributes;
        DropEmpty(thing.attributes);
    }
    auto checked = CheckAttributes(thing.attributes, !thing.type_name.empty());
    if (!checked) co_return std::unexpected(checked.error());
    auto pass = co_await registry_.BeginChange();
    std::string arn = Arn("thing", thing.name);
    if (auto existing = registry_.things.Find(thing.name)) {
        if (existing->type_name != thing.type_name || existing->attributes != thing.attributes) {
            co_return std::unexpected(AlreadyExists("Thing", thing.name, arn));
        }
        thing.id = existing->id;
    } else {
        if (!thing.type_name.empty()) {
            auto type = registry_.thing_types.Find(thing.type_name);
            if (!type) co_return std::unexpected(NotFound("Thing type", thing.type_name));
            if (type->deprecated) {
                co_return std::unexpected(wire::InvalidRequestException(
                    fmt::format("Can not create new thing with deprecated thing type: {}", thing.type_name)));
            }
        }
        thing.id = env::RandomUuid(random_);
        Change change;
        change.Put(registry_.things, thing);
        auto committed = co_await Commit(std::move(change));
        if (!committed) co_return std::unexpected(committed.error());
    }
    wire::CreateThingResponse response;
    response.thingName = thing.name;
    response.thingArn = arn;
    response.thingId = thing.id;
    co_return response;
}

env::Task<api::Outcome<wire::UpdateThingResponse>> IotControl::UpdateThing(const api::CallContext&,
                                                                           wire::UpdateThingRequest input) {
    auto pass = co_await registry_.BeginChange();
    auto existing = registry_.things.Find(input.thingName);
    if (!existing) co_return std::unexpected(NotFound("Thing", input.thingName));
    if (input.expectedVersion && *input.expectedVersion != existing->version) {
        co_return std::unexpected(wire::VersionConflictException(
            fmt::format("The expected version {} is not the version {} of the thing", *input.expectedVersion,
                        existing->version)));
    }
    Thing thing = *existing;
    if (input.removeThingType.value_or(false)) {
        if (input.thingTypeName) {
            co_return std::unexpected(wire::InvalidRequestException("A thing type is either set or removed"));
        }
        thing.type_name.clear();
    }
    if (input.thingTypeName) {
        auto type = registry_.thing_types.Find(*input.thingTypeName);
        if (!type) co_return std::unexpected(NotFound("Thing type", *input.thingTypeName));
        if (type->deprecated) {
            co_return std::unexpected(wire::InvalidRequestException("The thing type is deprecated"));
        }
        thing.type_name = *input.thingTypeName;
    }
    if (input.attributePayload) {
        auto given = input.attributePayload->attributes.value_or(std::map<std::string, std::string>());
        if (!input.attributePayload->merge.value_or(false)) thing.attributes.clear();
        for (auto& [name, value] : given) thing.attributes[name] = value;
        DropEmpty(thing.attributes);
    }
    auto checked = CheckAttributes(thing.attributes, !thing.type_name.empty());
    if (!checked) co_return std::unexpected(checked.error());
    ++thing.version;
    Change change;
    change.Put(registry_.things, std::move(thing));
    auto committed = co_await Commit(std::move(change));
    if (!committed) co_return std::unexpected(committed.error());
    co_return wire::UpdateThingResponse();
}

env::Task<api::Outcome<wire::DeleteThingResponse>> IotControl::DeleteThing(const api::CallContext&,
                                                                           wire::DeleteThingRequest input) {
    auto pass = co_await registry_.BeginChange();
    auto existing = registry_.things.Find(input.thingName);
    if (!existing) co_return wire::DeleteThingResponse();
    if (input.expectedVersion && *input.expectedVersion != existing->version) {
        co_return std::unexpected(wire::VersionConflictException("The thing has another version than expected"));
    }
    if (!registry_.PrincipalsOf(input.thingName).empty()) {
        co_return std::unexpected(wire::InvalidRequestException(
            fmt::format("Cannot delete. Thing {} is still attached to one or more principals", input.thingName)));
    }
    Change change;
    for (const std::string& group : registry_.GroupsOf(input.thingName)) {
        registry_.Leave(change, group, input.thingName);
    }
    change.Delete(registry_.tags, Arn("thing", input.thingName));
    change.Delete(registry_.things, input.thingName);
    auto committed = co_await Commit(std::move(change));
    if (!committed) co_return std::unexpected(committed.error());
    co_return wire::DeleteThingResponse();
}

env::Task<api::Outcome<wire::DescribeThingResponse>> IotControl::DescribeThing(const api::CallContext&,
                                                                               wire::DescribeThingRequest input) {
    auto thing = registry_.things.Find(input.thingName);
    if (!thing) co_return std::unexpected(NotFound("Thing", input.thingName));
    wire::DescribeThingResponse response;
    response.defaultClientId = thing->name;
    response.thingName = thing->name;
    response.thingId = thing->id;
    response.thingArn = Arn("thing", thing->name);
    if (!thing->type_name.empty()) response.thingTypeName = thing->type_name;
    response.attributes = thing->attributes;
    response.version = thing->version;
    co_return response;
}

env::Task<api::Outcome<wire::ListThingsResponse>> IotControl::ListThings(const api::CallContext&,
                                                                         wire::ListThingsRequest input) {
    bool prefix = input.usePrefixAttributeValue.value_or(false);
    auto keep = [&](const Thing& thing) {
        if (input.thingTypeName && thing.type_name != *input.thingTypeName) return false;
        if (!input.attributeName) return true;
        auto attribute = thing.attributes.find(*input.attributeName);
        if (attribute == thing.attributes.end()) return false;
        if (!input.attributeValue) return true;
        return prefix ? attribute->second.starts_with(*input.attributeValue)
                      : attribute->second == *input.attributeValue;
    };
    auto page = TakeRecords<Thing>(registry_.things, {}, "ListThings", input.nextToken, PageLimit(input.maxResults, 25),
                                   keep);
    if (!page) co_return std::unexpected(page.error());
    wire::ListThingsResponse response;
    response.things.emplace();
    for (const auto& thing : page->items) {
        wire::ThingAttribute item;
        item.thingName = thing->name;
        item.thingArn = Arn("thing", thing->name);
        if (!thing->type_name.empty()) item.thingTypeName = thing->type_name;
        item.attributes = thing->attributes;
        item.version = thing->version;
        response.things->push_back(std::move(item));
    }
    response.nextToken = page->next;
    co_return response;
}

env::Task<api::Outcome<wire::AttachThingPrincipalResponse>> IotControl::AttachThingPrincipal(
    const api::CallContext&, wire::AttachThingPrincipalRequest input) {
    auto pass = co_await registry_.BeginChange();
    if (!registry_.things.Find(input.thingName)) co_return std::unexpected(NotFound("Thing", input.thingName));
    auto checked = CheckPrincipal(input.principal);
    if (!checked) co_return std::unexpected(checked.error());
    bool exclusive = input.thingPrincipalType.value_or("NON_EXCLUSIVE_THING") == "EXCLUSIVE_THING";
    for (const auto& attached : registry_.ThingsOf(input.principal)) {
        if (attached->thing != input.thingName && (attached->exclusive || exclusive)) {
            co_return std::unexpected(wire::InvalidRequestException(
                fmt::format("The principal is attached to the thing {}{}", attached->thing,
                            attached->exclusive ? " exclusively" : "")));
        }
    }
    Change change;
    registry_.Attach(change, ThingPrincipal{input.thingName, input.principal, exclusive});
    auto committed = co_await Commit(std::move(change));
    if (!committed) co_return std::unexpected(committed.error());
    co_return wire::AttachThingPrincipalResponse();
}

env::Task<api::Outcome<wire::DetachThingPrincipalResponse>> IotControl::DetachThingPrincipal(
    const api::CallContext&, wire::DetachThingPrincipalRequest input) {
    auto pass = co_await registry_.BeginChange();
    if (!registry_.things.Find(input.thingName)) co_return std::unexpected(NotFound("Thing", input.thingName));
    if (registry_.thing_principals.Find(PairKey(input.thingName, input.principal))) {
        Change change;
        registry_.Detach(change, input.thingName, input.principal);
        auto committed = co_await Commit(std::move(change));
        if (!committed) co_return std::unexpected(committed.error());
    }
    co_return wire::DetachThingPrincipalResponse();
}

env::Task<api::Outcome<wire::ListThingPrincipalsResponse>> IotControl::ListThingPrincipals(
    const api::CallContext&, wire::ListThingPrincipalsRequest input) {
    if (!registry_.things.Find(input.thingName)) co_return std::unexpected(NotFound("Thing", input.thingName));
    std::vector<std::string> principals;
    for (const auto& attached : registry_.PrincipalsOf(input.thingName)) principals.push_back(attached->principal);
    auto page = TakePage(std::move(principals), "ListThingPrincipals", input.nextToken, PageLimit(input.maxResults),
                         false, [](const std::string& principal) { return principal; });
    if (!page) co_return std::unexpected(page.error());
    wire::ListThingPrincipalsResponse response;
    response.principals = std::move(page->items);
    response.nextToken = page->next;
    co_return response;
}

env::Task<api::Outcome<wire::ListPrincipalThingsResponse>> IotControl::ListPrincipalThings(
    const api::CallContext&, wire::ListPrincipalThingsRequest input) {
    std::vector<std::string> things;
    for (const auto& attached : registry_.ThingsOf(input.principal)) things.push_back(attached->thing);
    auto page = TakePage(std::move(things), "ListPrincipalThings", input.nextToken, PageLimit(input.maxResults), false,
                         [](const std::string& thing) { return thing; });
    if (!page) co_return std::unexpected(page.error());
    wire::ListPrincipalThingsResponse response;
    response.things = std::move(page->items);
    response.nextToken = page->next;
    co_return response;
}

env::Task<api::Outcome<wire::CreateThingTypeResponse>> IotControl::CreateThingType(const api::CallContext&,
                                                                                   wire::CreateThingTypeRequest input) {
    ThingType type;
    type.name = input.thingTypeName;
    if (input.thingTypeProperties) {
        type.description = input.thingTypeProperties->thingTypeDescription.value_or("");
        type.searchable_attributes =
            input.thingTypeProperties->searchableAttributes.value_or(std::vector<std::string>());
        if (input.thingTypeProperties->mqtt5Configuration) {
            co_return std::unexpected(wire::InvalidRequestException("mqtt5Configuration is not served"));
        }
    }
    if (type.searchable_attributes.size() > 3) {
        co_return std::unexpected(wire::InvalidRequestException("A thing type has at most 3 searchable attributes"));
    }
    auto pass = co_await registry_.BeginChange();
    std::string arn = Arn("thingtype", type.name);
    if (auto existing = registry_.thing_types.Find(type.name)) {
        if (existing->description != type.description ||
            existing->searchable_attributes != type.searchable_attributes) {
            co_return std::unexpected(AlreadyExists("Thing type", type.name, arn));
        }
        type.id = existing->id;
    } else {
        type.id = env::RandomUuid(random_);
        type.created = clock_.Now();
        Change change;
        change.Put(registry_.thing_types, type);
        AddTags(change, arn, input.tags);
        auto committed = co_await Commit(std::move(change));
        if (!committed) co_return std::unexpected(committed.error());
    }
    wire::CreateThingTypeResponse response;
    response.thingTypeName = type.name;
    response.thingTypeArn = arn;
    response.thingTypeId = type.id;
    co_return response;
}

env::Task<api::Outcome<wire::DeprecateThingTypeResponse>> IotControl::DeprecateThingType(
    const api::CallContext&, wire::DeprecateThingTypeRequest input) {
    auto pass = co_await registry_.BeginChange();
    auto existing = registry_.thing_types.Find(input.thingTypeName);
    if (!existing) co_return std::unexpected(NotFound("Thing type", input.thingTypeName));
    ThingType type = *existing;
    if (input.undoDeprecate.value_or(false)) {
        type.deprecated.reset();
    } else if (!type.deprecated) {
        type.deprecated = clock_.Now();
    }
    Change change;
    change.Put(registry_.thing_types, std::move(type));
    auto committed = co_await Commit(std::move(change));
    if (!committed) co_return std::unexpected(committed.error());
    co_return wire::DeprecateThingTypeResponse();
}

env::Task<api::Outcome<wire::DeleteThingTypeResponse>> IotControl::DeleteThingType(const api::CallContext&,
                                                                                   wire::DeleteThingTypeRequest input) {
    auto pass = co_await registry_.BeginChange();
    auto existing = registry_.thing_types.Find(input.thingTypeName);
    if (!existing) co_return std::unexpected(NotFound("Thing type", input.thingTypeName));
    // AWS also asks to wait five minutes after that; there is nothing here to wait for.
    if (!existing->deprecated) {
        co_return std::unexpected(wire::InvalidRequestException(
            fmt::format("Can not delete the thing type {} because it is not deprecated", input.thingTypeName)));
    }
    auto used = registry_.things.Page({}, {}, 1, [&](const Thing& thing) { return thing.type_name == existing->name; });
    if (!used.empty()) {
        co_return std::unexpected(wire::InvalidRequestException(
            fmt::format("Can not delete the thing type {} because things are of it", input.thingTypeName)));
    }
    Change change;
    change.Delete(registry_.thing_types, input.thingTypeName);
    change.Delete(registry_.tags, Arn("thingtype", input.thingTypeName));
    auto committed = co_await Commit(std::move(change));
    if (!committed) co_return std::unexpected(committed.error());
    co_return wire::DeleteThingTypeResponse();
}

env::Task<api::Outcome<wire::DescribeThingTypeResponse>> IotControl::DescribeThingType(
    const api::CallContext&, wire::DescribeThingTypeRequest input) {
    auto type = registry_.thing_types.Find(input.thingTypeName);
    if (!type) co_return std::unexpected(NotFound("Thing type", input.thingTypeName));
    wire::DescribeThingTypeResponse response;
    response.thingTypeName = type->name;
    response.thingTypeId = type->id;
    response.thingTypeArn = Arn("thingtype", type->name);
    response.thingTypeProperties = PropertiesOf(*type);
    response.thingTypeMetadata = MetadataOf(*type);
    co_return response;
}

env::Task<api::Outcome<wire::ListThingTypesResponse>> IotControl::ListThingTypes(const api::CallContext&,
                                                                                 wire::ListThingTypesRequest input) {
    auto keep = [&](const ThingType& type) { return !input.thingTypeName || type.name == *input.thingTypeName; };
    auto page = TakeRecords<ThingType>(registry_.thing_types, {}, "ListThingTypes", input.nextToken,
                                       PageLimit(input.maxResults, 25), keep);
    if (!page) co_return std::unexpected(page.error());
    wire::ListThingTypesResponse response;
    response.thingTypes.emplace();
    for (const auto& type : page->items) {
        wire::ThingTypeDefinition item;
        item.thingTypeName = type->name;
        item.thingTypeArn = Arn("thingtype", type->name);
        item.thingTypeProperties = PropertiesOf(*type);
        item.thingTypeMetadata = MetadataOf(*type);
        response.thingTypes->push_back(std::move(item));
    }
    response.nextToken = page->next;
    co_return response;
}

env::Task<api::Outcome<wire::UpdateThingTypeResponse>> IotControl::UpdateThingType(const api::CallContext&,
                                                                                   wire::UpdateThingTypeRequest input) {
    auto pass = co_await registry_.BeginChange();
    auto existing = registry_.thing_types.Find(input.thingTypeName);
    if (!existing) co_return std::unexpected(NotFound("Thing type", input.thingTypeName));
    ThingType type = *existing;
    if (input.thingTypeProperties) {
        const wire::ThingTypeProperties& given = *input.thingTypeProperties;
        if (given.mqtt5Configuration) {
            co_return std::unexpected(wire::InvalidRequestException("mqtt5Configuration is not served"));
        }
        if (given.searchableAttributes && *given.searchableAttributes != type.searchable_attributes) {
            co_return std::unexpected(wire::InvalidRequestException("Searchable attributes cannot be changed"));
        }
        if (given.thingTypeDescription) type.description = *given.thingTypeDescription;
    }
    Change change;
    change.Put(registry_.thing_types, std::move(type));
    auto committed = co_await Commit(std::move(change));
    if (!committed) co_return std::unexpected(committed.error());
    co_return wire::UpdateThingTypeResponse();
}

namespace {
std::string KindOf(const ThingPrincipal& attached) {
    return attached.exclusive ? "EXCLUSIVE_THING" : "NON_EXCLUSIVE_THING";
}
}  // namespace

env::Task<api::Outcome<wire::ListThingPrincipalsV2Response>> IotControl::ListThingPrincipalsV2(
    const api::CallContext&, wire::ListThingPrincipalsV2Request input) {
    if (!registry_.things.Find(input.thingName)) co_return std::unexpected(NotFound("Thing", input.thingName));
    auto page = TakePage(registry_.PrincipalsOf(input.thingName), "ListThingPrincipalsV2", input.nextToken,
                         PageLimit(input.maxResults), false, [](const auto& attached) { return attached->principal; });
    if (!page) co_return std::unexpected(page.error());
    wire::ListThingPrincipalsV2Response response;
    response.thingPrincipalObjects.emplace();
    for (const auto& attached : page->items) {
        if (input.thingPrincipalType && *input.thingPrincipalType != KindOf(*attached)) continue;
        wire::ThingPrincipalObject item;
        item.principal = attached->principal;
        item.thingPrincipalType = KindOf(*attached);
        response.thingPrincipalObjects->push_back(std::move(item));
    }
    response.nextToken = page->next;
    co_return response;
}

env::Task<api::Outcome<wire::ListPrincipalThingsV2Response>> IotControl::ListPrincipalThingsV2(
    const api::CallContext&, wire::ListPrincipalThingsV2Request input) {
    auto page = TakePage(registry_.ThingsOf(input.principal), "ListPrincipalThingsV2", input.nextToken,
                         PageLimit(input.maxResults), false, [](const auto& attached) { return attached->thing; });
    if (!page) co_return std::unexpected(page.error());
    wire::ListPrincipalThingsV2Response response;
    response.principalThingObjects.emplace();
    for (const auto& attached : page->items) {
        if (input.thingPrincipalType && *input.thingPrincipalType != KindOf(*attached)) continue;
        wire::PrincipalThingObject item;
        item.thingName = attached->thing;
        item.thingPrincipalType = KindOf(*attached);
        response.principalThingObjects->push_back(std::move(item));
    }
    response.nextToken = page->next;
    co_return response;
}

}  // namespace wellhead::services::iot
