"""Cognito user pools by boto3 and pycognito (SRP)."""

import os
import unittest

import boto3
from pycognito import AWSSRP
from pycognito.exceptions import ForceChangePasswordException


class People(unittest.TestCase):
    def setUp(self):
        self.cognito = boto3.client("cognito-idp")
        self.pool = self.cognito.create_user_pool(PoolName="people", Policies={"PasswordPolicy": {"MinimumLength": 8}})["UserPool"]["Id"]
        self.client = self.cognito.create_user_pool_client(UserPoolId=self.pool, ClientName="app", GenerateSecret=True,
                                                           ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"])["UserPoolClient"]

    def srp(self, password):
        return AWSSRP(username="ana", password=password, pool_id=self.pool, client_id=self.client["ClientId"], client_secret=self.client["ClientSecret"], client=self.cognito)

    def test_sign_in_by_password_proof(self):
        self.cognito.admin_create_user(UserPoolId=self.pool, Username="ana", TemporaryPassword="Temporary-1", MessageAction="SUPPRESS", UserAttributes=[{"Name": "email", "Value": "ana@example.com"}])
        with self.assertRaises(ForceChangePasswordException):
            self.srp("Temporary-1").authenticate_user()
        tokens = self.srp("Temporary-1").set_new_password_challenge("Permanent-2")["AuthenticationResult"]
        self.assertEqual(self.cognito.get_user(AccessToken=tokens["AccessToken"])["Username"], "ana")
        with self.assertRaises(self.cognito.exceptions.NotAuthorizedException):
            self.srp("Wrong-3").authenticate_user()
        self.cognito.create_group(UserPoolId=self.pool, GroupName="operators")
        self.cognito.admin_add_user_to_group(UserPoolId=self.pool, Username="ana", GroupName="operators")
        self.assertEqual([user["Username"] for user in self.cognito.list_users_in_group(UserPoolId=self.pool, GroupName="operators")["Users"]], ["ana"])
        found = self.cognito.list_users(UserPoolId=self.pool, Filter='email ^= "ana@"')["Users"]
        self.assertEqual([user["UserStatus"] for user in found], ["CONFIRMED"])
