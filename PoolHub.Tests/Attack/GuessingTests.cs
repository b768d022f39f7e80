using System.Security.Cryptography;
using System.Text;
using PoolHub.Daemon.Storage;
using PoolHub.Protocol;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Attack;

/// <summary>docs/security.md: nobody learns from a refusal whether a miner exists.</summary>
public sealed class GuessingTests
{
    private const string Known = "known-1", Revoked = "known-2", Unknown = "known-3";

    /// <summary>Keys that are wrong in every way: of another, made up, with a wrong checksum, no key at all, of the longest.</summary>
    public static TheoryData<string> WrongKeys => [MinerKey.Create(), MinerKey.Create()[..^1] + "!", "guess", " ", new string('x', Limits.ApiKeyChars)];

    [Theory]
    [MemberData(nameof(WrongKeys))]
    public async Task Unknown_miner_and_wrong_key_get_the_same_bytes_over_the_wire(string key)
    {
        await using var hub = new HubParts(openEnrollment: false);
        hub.Keys.Load([Stored(hub, Known, MinerKey.Create()), Stored(hub, Revoked, key: null)]);
        byte[] expected = await AnswerAsync(hub, Known, key);
        Assert.NotEmpty(expected);
        Assert.Equal(expected, await AnswerAsync(hub, Revoked, key));
        Assert.Equal(expected, await AnswerAsync(hub, Unknown, key));
    }

    [Theory]
    [MemberData(nameof(WrongKeys))]
    public async Task Unknown_miner_and_wrong_key_get_the_same_answer_over_HTTP(string key)
    {
        await using TestHub hub = await TestHub.StartAsync();
        _ = await hub.RegisterAsync(Known);
        _ = await hub.RegisterAsync(Revoked);
        _ = await hub.Admin.SendAsync(HttpMethod.Delete, $"/v1/miners/{Revoked}/key", null);
        string expected = await AnswerAsync(hub, Known, key);
        Assert.StartsWith("401", expected, StringComparison.Ordinal);
        Assert.Equal(expected, await AnswerAsync(hub, Revoked, key));
        Assert.Equal(expected, await AnswerAsync(hub, Unknown, key));
    }

    [Fact]
    public async Task Token_that_is_forged_gets_the_same_bytes_for_a_known_and_an_unknown_miner()
    {
        await using var hub = new HubParts(openEnrollment: false);
        hub.Registry.Load([Stored(hub, Known, MinerKey.Create())]);
        var forger = new PoolHub.Daemon.Sessions.SessionTokens(RandomNumberGenerator.GetBytes(32), hub.Time);
        byte[] expected = await AnswerAsync(hub, new Hello(1, [], Known, null, forger.Create(new(Known, 7, 0))));
        Assert.NotEmpty(expected);
        Assert.Equal(expected, await AnswerAsync(hub, new Hello(1, [], Unknown, null, forger.Create(new(Unknown, 7, 0)))));
        Assert.Equal(expected, await AnswerAsync(hub, new Hello(1, [], Known, null, "nonsense")));
    }

    private static StoredMiner Stored(HubParts hub, string id, string? key) => new(
        id, Samples.Profile, 7, 7, new StoredKeys(key is null ? null : SHA256.HashData(Encoding.UTF8.GetBytes(key))), TrustState.None, null,
        hub.Time.GetUtcNow(), hub.Time.GetUtcNow());

    private static Task<byte[]> AnswerAsync(HubParts hub, string minerId, string key) => AnswerAsync(hub, new Hello(1, [], minerId, key, null));

    private static async Task<byte[]> AnswerAsync(HubParts hub, Hello hello)
    {
        PipeMiner miner = hub.Connect();
        miner.Send(hello);
        byte[] answer = miner.Take();
        await miner.BreakAsync();
        return answer;
    }

    private static async Task<string> AnswerAsync(TestHub hub, string minerId, string key)
    {
        using var http = new HttpClient();
        using var body = new StringContent(Samples.Registration(minerId, key), Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await http.PostAsync(new Uri($"http://{hub.Hub.HttpEndPoint}/v1/miners/register"), body, TestContext.Current.CancellationToken);
        IEnumerable<string> headers = response.Headers.Concat(response.Content.Headers)
            .Where(header => header.Key != "Date").Select(header => $"{header.Key}: {string.Join(',', header.Value)}").Order(StringComparer.Ordinal);
        return $"{(int)response.StatusCode}\n{string.Join('\n', headers)}\n{await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}";
    }
}
