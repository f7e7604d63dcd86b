"""Devices by the AWS IoT Device SDK and by paho-mqtt, rules and shadows by boto3."""

import concurrent.futures
import json
import os
import ssl
import tempfile
import unittest

import boto3
import paho.mqtt.client as paho
from awscrt import mqtt5
from awsiot import mqtt5_client_builder


class Devices(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.iot, cls.data, cls.kinesis = boto3.client("iot"), boto3.client("iot-data"), boto3.client("kinesis")
        cls.iot.create_policy(policyName="device", policyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "iot:*", "Resource": "*"}]}))
        cls.folder = tempfile.TemporaryDirectory()

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def identity(self, thing):
        self.iot.create_thing(thingName=thing, attributePayload={"attributes": {"field": "north"}})
        made = self.iot.create_keys_and_certificate(setAsActive=True)
        self.iot.attach_policy(policyName="device", target=made["certificateArn"])
        self.iot.attach_thing_principal(thingName=thing, principal=made["certificateArn"])
        paths = [os.path.join(self.folder.name, f"{thing}.{kind}") for kind in ("crt", "key")]
        for path, text in zip(paths, (made["certificatePem"], made["keyPair"]["PrivateKey"])):
            with open(path, "w") as out:
                out.write(text)
        return paths

    def test_the_device_sdk_publishes_and_is_told(self):
        self.kinesis.create_stream(StreamName="from-devices", ShardCount=1)
        self.iot.create_topic_rule(ruleName="to_stream", topicRulePayload={
            "sql": "SELECT *, topic(2) AS thing FROM 'wells/+/readings' WHERE flow > 1", "awsIotSqlVersion": "2016-03-23",
            "actions": [{"kinesis": {"streamName": "from-devices", "partitionKey": "${topic(2)}", "roleArn": "arn:aws:iam::000000000000:role/rule"}}]})
        certificate, key = self.identity("sdk-device")
        connected, stopped, received = (concurrent.futures.Future() for _ in range(3))
        client = mqtt5_client_builder.mtls_from_path(
            certificate, key, endpoint="127.0.0.1", port=int(os.environ["IOT_PORT"]), ca_filepath=os.environ["IOT_CA"], client_id="sdk-device",
            on_lifecycle_connection_success=lambda event: connected.set_result(event), on_lifecycle_stopped=lambda event: stopped.set_result(event),
            on_lifecycle_connection_failure=lambda event: connected.done() or connected.set_exception(event.exception),
            on_publish_received=lambda event: received.set_result(event.publish_packet))
        client.start()
        connected.result(10)
        client.subscribe(mqtt5.SubscribePacket([mqtt5.Subscription("commands/#", mqtt5.QoS.AT_LEAST_ONCE)])).result(10)
        for flow in (0.5, 2.5):
            answer = client.publish(mqtt5.PublishPacket(topic="wells/sdk-device/readings", payload=json.dumps({"flow": flow}), qos=mqtt5.QoS.AT_LEAST_ONCE)).result(10)
            self.assertEqual(answer.puback.reason_code, mqtt5.PubackReasonCode.SUCCESS)
        self.data.publish(topic="commands/stop", qos=1, payload=b"now")
        self.assertEqual(bytes(received.result(10).payload), b"now")
        client.stop()
        stopped.result(10)
        iterator = self.kinesis.get_shard_iterator(StreamName="from-devices", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        self.assertEqual([json.loads(record["Data"]) for record in self.kinesis.get_records(ShardIterator=iterator)["Records"]], [{"flow": 2.5, "thing": "sdk-device"}])

    def test_paho_connects_with_a_certificate(self):
        certificate, key = self.identity("paho-device")
        for protocol in (paho.MQTTv311, paho.MQTTv5):
            received = concurrent.futures.Future()
            client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="paho-device", protocol=protocol)
            client.tls_set(os.environ["IOT_CA"], certificate, key, cert_reqs=ssl.CERT_REQUIRED)
            client.on_connect = lambda client, *_: client.subscribe("echo/paho", 1)
            client.on_subscribe = lambda client, *_: client.publish("echo/paho", "hello", 1)
            client.on_message = lambda client, _, message: received.set_result(message.payload)
            client.connect("127.0.0.1", int(os.environ["IOT_PORT"]))
            client.loop_start()
            self.assertEqual(received.result(10), b"hello")
            client.disconnect()
            client.loop_stop()

    def test_shadows(self):
        self.iot.create_thing(thingName="shadowed")
        self.data.update_thing_shadow(thingName="shadowed", payload=json.dumps({"state": {"desired": {"valve": "open"}, "reported": {"valve": "shut"}}}))
        shadow = json.loads(self.data.get_thing_shadow(thingName="shadowed")["payload"].read())
        self.assertEqual((shadow["state"]["delta"], shadow["version"]), ({"valve": "open"}, 1))
        self.data.delete_thing_shadow(thingName="shadowed")
        with self.assertRaises(self.data.exceptions.ResourceNotFoundException):
            self.data.get_thing_shadow(thingName="shadowed")
