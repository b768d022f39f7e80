using System.Text.Json;
using PoolHub.Protocol.Http;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Attack;

/// <summary>docs/security.md: a number at any edge is taken, or refused with its field's name; it is never the hub's failure.</summary>
public sealed class EdgeTests
{
    private static readonly string[] s_numbers =
    [
        "0", "-0", "-0.0", "0.0", "1", "-1", "1.5", "0.1", "1e2", "1E-2", "1e308", "-1e308", "1.7976931348623157e308", "1e309", "-1e309", "1e-400", "5e-324", "1e99999",
        "2147483647", "2147483648", "-2147483648", "-2147483649", "4294967296", "9007199254740993", "9223372036854775807", "9223372036854775808", "-9223372036854775809",
        "18446744073709551616", "79228162514264337593543950335", "79228162514264337593543950336", "0.00000001", "0.000000001", "-0.000000001",
        "0.123456789012345678901234567890123456789", "1000000000", "1000000000.00000001", "1000000000.000000001", "65536", "65536.00000001", "1048576", "1048577",
        "123456789012345678901234567890123456789012345678901234567890",
        $"0.{new string('0', 500)}1", new string('9', 400),
    ];

    /// <summary>Address, method, field by its path, and a body with the number in its place.</summary>
    public static TheoryData<string, string, string> Fields => new()
    {
        { "/v1/miners/register", "gpu_vram", """{"miner_id":"m","api_key":"KEY","addr":"a","proto":"grpc","price_token_per_ksec":1,"gpu_vram":N}""" },
        { "/v1/miners/register", "gpu_vram_gb", """{"miner_id":"m","api_key":"KEY","addr":"a","proto":"grpc","price_token_per_ksec":1,"gpu_vram_gb":N}""" },
        { "/v1/miners/register", "ram_gb", """{"miner_id":"m","api_key":"KEY","addr":"a","proto":"grpc","price_token_per_ksec":1,"ram_gb":N}""" },
        { "/v1/miners/register", "cpu_cores", """{"miner_id":"m","api_key":"KEY","addr":"a","proto":"grpc","price_token_per_ksec":1,"cpu_cores":N}""" },
        { "/v1/miners/register", "max_parallel", """{"miner_id":"m","api_key":"KEY","addr":"a","proto":"grpc","price_token_per_ksec":1,"max_parallel":N}""" },
        { "/v1/miners/register", "price_token_per_ksec", """{"miner_id":"m","api_key":"KEY","addr":"a","proto":"grpc","price_token_per_ksec":N}""" },
        { "/v1/miners/update", "queue_len", """{"queue_len":N}""" },
        { "/v1/miners/update", "avg_latency_ms", """{"queue_len":0,"avg_latency_ms":N}""" },
        { "/v1/miners/update", "temp_c", """{"queue_len":0,"temp_c":N}""" },
        { "/v1/miners/update", "mem_free_gb", """{"queue_len":0,"mem_free_gb":N}""" },
        { "/v1/miners/update", "price_token_per_ksec", """{"queue_len":0,"price_token_per_ksec":N}""" },
        { "/v1/miners/update", "command_acks[0].command_id", """{"queue_len":0,"command_acks":[{"command_id":N,"accepted":true}]}""" },
        { "/v1/match", "top_k", """{"job_id":"j","top_k":N}""" },
        { "/v1/match", "hold_ms", """{"job_id":"j","hold_ms":N}""" },
        { "/v1/match", "requirements.min_vram_gb", """{"job_id":"j","explain":"full","requirements":{"min_vram_gb":N}}""" },
        { "/v1/match", "requirements.min_ram_gb", """{"job_id":"j","requirements":{"min_ram_gb":N}}""" },
        { "/v1/match", "hints.max_price", """{"job_id":"j","explain":"full","hints":{"max_price":N}}""" },
        { "/v1/match", "hints.deadline_ms", """{"job_id":"j","hints":{"deadline_ms":N}}""" },
        { "/v1/match/explain", "hints.max_price", """{"job_id":"j","hints":{"max_price":N}}""" },
        { "/v1/match/batch", "requests[0].hints.max_price", """{"requests":[{"job_id":"j","hints":{"max_price":N}}]}""" },
        { "/v1/match/batch", "requests[0].top_k", """{"requests":[{"job_id":"j","top_k":N}]}""" },
        { "/v1/feedback", "latency_ms", """{"job_id":"j","miner_id":"other","outcome":"completed","latency_ms":N}""" },
        { "/v1/feedback", "tokens_spent", """{"job_id":"j","miner_id":"other","outcome":"completed","tokens_spent":N}""" },
        { "/v1/match/ID/renew", "hold_ms", """{"hold_ms":N}""" },
        { "/v1/miners/m/commands", "price_token_per_ksec", """{"command":"set_price_cap","price_token_per_ksec":N,"wait_ms":0}""" },
        { "/v1/miners/m/commands", "delay_ms", """{"command":"reconnect","delay_ms":N,"wait_ms":0}""" },
        { "/v1/miners/m/commands", "wait_ms", """{"command":"drain","on":false,"wait_ms":N}""" },
        { "/v1/miners/other/price", "price_token_per_ksec", """{"price_token_per_ksec":N}""" },
    };

    [Theory]
    [MemberData(nameof(Fields))]
    public async Task Number_at_an_edge_is_taken_or_its_field_is_named(string path, string field, string body)
    {
        await using TestHub hub = await TestHub.StartAsync(("FLAP_LIMIT_PER_MIN", "0"));
        _ = await hub.RegisterAsync("other");
        string key = await hub.IssueKeyAsync("m");
        string token = await hub.RegisterAsync("m", key);
        string match = (await hub.Coordinator.PostAsync("/v1/match", """{"job_id":"held","top_k":1,"hold_ms":600000}""")).Expect(200).Text("match_id");
        int taken = 0;
        foreach (string number in s_numbers)
        {
            string request = body.Replace("N", number, StringComparison.Ordinal).Replace("KEY", key, StringComparison.Ordinal);
            Answer answer = path switch
            {
                "/v1/miners/register" => await hub.Http.PostAsync(path, request),
                "/v1/miners/update" => await hub.Http.PostAsync(path, request, ("X-PoolHub-Session", token)),
                "/v1/match/ID/renew" => await hub.Coordinator.PostAsync($"/v1/match/{match}/renew", request),
                "/v1/miners/m/commands" => await CommandAsync(hub, token, path, request),
                "/v1/miners/other/price" => await hub.Admin.SendAsync(HttpMethod.Put, path, request),
                _ => await hub.Coordinator.PostAsync(path, request),
            };
            if ((int)answer.Status != 200)
            {
                string? named = answer.Expect(400).Read(HubJson.Default.Problem).Field;
                Assert.True(named == field, $"{number}: {answer.Body}");
                continue;
            }
            taken++;
            // Whatever was taken, the next match stands.
            Answer next = (await hub.Coordinator.PostAsync("/v1/match", """{"job_id":"next","explain":"full","top_k":9}""")).Expect(200);
            Assert.All(next.Read(HubJson.Default.MatchResponse).Candidates, candidate => Assert.InRange(candidate.Score, 0, 1));
        }
        Assert.InRange(taken, 1, s_numbers.Length - 1);
    }

    /// <summary>Field, and a text with the number in its place.</summary>
    public static TheoryData<string, string> Texts => new()
    {
        { "seq", """{"queue_len":0,"seq":N}""" },
        { "queue_len", """{"queue_len":N}""" },
        { "avg_latency_ms", """{"type":"heartbeat","queue_len":0,"avg_latency_ms":N}""" },
        { "temp_c", """{"queue_len":0,"temp_c":N}""" },
        { "mem_free_gb", """{"queue_len":0,"mem_free_gb":N}""" },
        { "queue_len", """{"type":"update","busy":false,"queue_len":N}""" },
        { "price_token_per_ksec", """{"type":"update","busy":false,"queue_len":0,"price_token_per_ksec":N}""" },
        { "nonce", """{"type":"pong","nonce":N}""" },
        { "command_id", """{"type":"command_ack","command_id":N,"accepted":true}""" },
    };

    [Theory]
    [MemberData(nameof(Texts))]
    public async Task Number_at_an_edge_in_a_text_frame_is_taken_or_its_field_is_named(string field, string text)
    {
        await using TestHub hub = await TestHub.StartAsync();
        WsMiner miner = await hub.ConnectWebAsync(await hub.RegisterAsync("m"));
        int taken = 0;
        foreach (string number in s_numbers)
        {
            await miner.SendTextAsync(text.Replace("N", number, StringComparison.Ordinal));
            // A pong and an acknowledgement are not answered: what comes is the answer to this one, or to the next.
            await miner.SendTextAsync("""{"queue_len":0}""");
            JsonElement answer = await miner.ExpectAnyAsync();
            if (answer.GetProperty("type").GetString() == "error")
            {
                Assert.True(answer.GetProperty("field").GetString() == field, $"{number}: {answer}");
                answer = await miner.ExpectAnyAsync();
            }
            else
            {
                taken++;
                answer = text.Contains("pong", StringComparison.Ordinal) || text.Contains("command_ack", StringComparison.Ordinal)
                    ? answer
                    : await miner.ExpectAnyAsync();
            }
            Assert.Equal("ack", answer.GetProperty("type").GetString());
        }
        Assert.InRange(taken, 1, s_numbers.Length - 1);
    }

    /// <summary>
    /// Answered at once, however long it would wait: the miner takes what waits for it, by its next update.
    /// </summary>
    private static async Task<Answer> CommandAsync(TestHub hub, string token, string path, string request)
    {
        Task<Answer> asking = hub.Admin.PostAsync(path, request);
        while (!asking.IsCompleted)
        {
            await AcknowledgeAsync(hub, token);
        }
        await AcknowledgeAsync(hub, token);
        return await asking;
    }

    private static async Task AcknowledgeAsync(TestHub hub, string token)
    {
        LeaseResponse lease = (await hub.Http.GetAsync("/v1/miners/lease/renew", ("X-PoolHub-Session", token))).Expect(200).Read(HubJson.Default.LeaseResponse);
        foreach (PendingCommand waiting in lease.Commands ?? [])
        {
            (await hub.Http.PostAsync(
                "/v1/miners/update", $$"""{"queue_len":0,"command_acks":[{"command_id":{{waiting.CommandId}},"accepted":true}]}""", ("X-PoolHub-Session", token))).Expect(200);
        }
    }
}
