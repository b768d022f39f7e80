using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using PoolHub.Protocol;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Gateway;

/// <summary>Miners that show a certificate, at both doors.</summary>
public sealed class MinerCertificateTests : IDisposable
{
    private readonly TlsHouse _house = new();

    public void Dispose() => _house.Dispose();

    [Fact]
    public async Task Certificate_must_name_its_miner()
    {
        await using TestHub hub = await _house.StartAsync(("TLS_CLIENT_CA", _house.Own.CaFile), ("MINER_AUTH", "both"));
        string key = await _house.IssueKeyAsync(hub, "rig-1");
        using X509Certificate2 own = _house.Own.IssueMiner("rig-1");
        using X509Certificate2 other = _house.Own.IssueMiner("rig-2");
        await using (TlsMiner wrong = await _house.ConnectAsync(hub, other))
        {
            await wrong.Miner.SendAsync(new Hello(1, [], "rig-1", key, null));
            Goodbye goodbye = await wrong.Miner.ExpectGoodbyeAsync(CloseReason.BadCredentials);
            Assert.Contains("does not name this miner", goodbye.Detail, StringComparison.Ordinal);
        }
        await using (TlsMiner keyless = await _house.ConnectAsync(hub, own))
        {
            await keyless.Miner.SendAsync(new Hello(1, [], "rig-1", null, null));
            _ = await keyless.Miner.ExpectGoodbyeAsync(CloseReason.Malformed);
        }
        await using TlsMiner right = await _house.ConnectAsync(hub, own);
        await right.Miner.EnrolAsync("rig-1", key);
        // A stolen token is worth nothing beside another certificate.
        await using TlsMiner thief = await _house.ConnectAsync(hub, other);
        await thief.Miner.SendAsync(new Hello(1, [], "rig-1", null, right.Miner.Token));
        _ = await thief.Miner.ExpectGoodbyeAsync(CloseReason.StaleSession);
    }

    [Fact]
    public async Task Certificate_is_enough_where_the_hub_says_so()
    {
        await using TestHub hub = await _house.StartAsync(("TLS_CLIENT_CA", _house.Own.CaFile), ("MINER_AUTH", "mtls"));
        using X509Certificate2 own = _house.Own.IssueMiner("rig-1");
        for (int i = 0; i < 2; i++)
        {
            await using TlsMiner miner = await _house.ConnectAsync(hub, own);
            await miner.Miner.SendAsync(new Hello(1, [], "rig-1", null, null));
            _ = await miner.Miner.ExpectAsync<Welcome>();
            await miner.Miner.SendAsync(new Register(Samples.Profile));
            _ = await miner.Miner.ExpectAsync<Registered>();
        }
        using HubClient admin = _house.Https(hub, TestHub.AdminToken);
        _ = (await admin.SendAsync(HttpMethod.Delete, "/v1/miners/rig-1/key", null)).Expect(200);
        await using TlsMiner revoked = await _house.ConnectAsync(hub, own);
        await revoked.Miner.SendAsync(new Hello(1, [], "rig-1", null, null));
        _ = await revoked.Miner.ExpectGoodbyeAsync(CloseReason.BadCredentials);
    }

    [Fact]
    public async Task Certificate_of_a_strange_authority_or_none_ends_the_handshake()
    {
        await using TestHub hub = await _house.StartAsync(("TLS_CLIENT_CA", _house.Own.CaFile), ("MINER_AUTH", "mtls"));
        using var strange = new Certificates("strange");
        using X509Certificate2 forged = strange.IssueMiner("rig-1");
        foreach (X509Certificate2? certificate in (X509Certificate2?[])[forged, null])
        {
            await ExpectStrangerAsync(hub, certificate);
        }
    }

    [Fact]
    public async Task Miner_over_https_shows_its_certificate_and_a_coordinator_needs_none()
    {
        await using TestHub hub = await _house.StartAsync(("TLS_CLIENT_CA", _house.Own.CaFile), ("MINER_AUTH", "mtls"));
        using X509Certificate2 own = _house.Own.IssueMiner("rig-1");
        using HubClient miner = _house.Https(hub, certificate: own);
        string body = Samples.Registration("rig-1", "").Replace("\"api_key\":\"\",", "", StringComparison.Ordinal);
        _ = (await miner.PostAsync("/v1/miners/register", body)).Expect(200);
        using HubClient bare = _house.Https(hub);
        _ = (await bare.PostAsync("/v1/miners/register", body)).Expect(401);
        using HubClient coordinator = _house.Https(hub, TestHub.CoordinatorSecret);
        _ = (await coordinator.PostAsync("/v1/match", """{"job_id":"j"}""")).Expect(200);
    }

    [Fact]
    public async Task Certificate_must_name_its_miner_over_a_websocket_too()
    {
        await using TestHub hub = await _house.StartAsync(("TLS_CLIENT_CA", _house.Own.CaFile), ("MINER_AUTH", "both"));
        string key = await _house.IssueKeyAsync(hub, "rig-1");
        using X509Certificate2 own = _house.Own.IssueMiner("rig-1");
        using X509Certificate2 other = _house.Own.IssueMiner("rig-2");
        foreach ((X509Certificate2? certificate, string said) in new[] { (null, "asks for a client certificate"), (other, "does not name this miner") })
        {
            await using WsMiner wrong = await _house.ConnectWebAsync(hub, certificate);
            await wrong.SendAsync(new Hello(1, [], "rig-1", key, null));
            Goodbye goodbye = await wrong.ExpectAsync<Goodbye>();
            Assert.Equal(CloseReason.BadCredentials, goodbye.Reason);
            Assert.Contains(said, goodbye.Detail, StringComparison.Ordinal);
        }
        await using WsMiner right = await _house.ConnectWebAsync(hub, own);
        await right.SendAsync(new Hello(1, [], "rig-1", key, null));
        string token = (await right.ExpectAsync<Welcome>()).SessionToken;
        await right.SendAsync(new Register(Samples.Profile));
        _ = await right.ExpectAsync<Registered>();
        // A stolen token is worth nothing beside another certificate, or none.
        foreach (X509Certificate2? certificate in (X509Certificate2?[])[other, null])
        {
            WebSocketException refused = await Assert.ThrowsAsync<WebSocketException>(() => _house.ConnectWebAsync(hub, certificate, token));
            Assert.Contains("401", refused.Message, StringComparison.Ordinal);
        }
        await using WsMiner back = await _house.ConnectWebAsync(hub, own, token);
        await back.SendTextAsync("""{"queue_len":0}""");
        _ = await back.ExpectTextAsync("ack");
    }

    [Fact]
    public async Task New_authority_counts_after_a_reload_and_nobody_is_dropped()
    {
        await using TestHub hub = await _house.StartAsync(("TLS_CLIENT_CA", _house.Own.CaFile), ("MINER_AUTH", "mtls"));
        using var next = new Certificates("next");
        using X509Certificate2 old = _house.Own.IssueMiner("rig-1");
        using X509Certificate2 fresh = next.IssueMiner("rig-2");
        await using TlsMiner before = await _house.ConnectAsync(hub, old);
        await before.Miner.EnrolAsync("rig-1", null);
        await ExpectStrangerAsync(hub, fresh);
        _ = _house.Own.Write("ca.pem", next.Root.ExportCertificatePem());
        Assert.Empty(hub.Reload());
        await using TlsMiner after = await _house.ConnectAsync(hub, fresh);
        await after.Miner.EnrolAsync("rig-2", null);
        await ExpectStrangerAsync(hub, old);
        await before.Miner.BeatAsync(1);
    }

    [Fact]
    public async Task Certificate_that_is_not_asked_for_must_name_its_miner_all_the_same()
    {
        await using TestHub hub = await _house.StartAsync(("TLS_CLIENT_CA", _house.Own.CaFile), ("MINER_AUTH", "key"));
        string key = await _house.IssueKeyAsync(hub, "rig-1");
        using X509Certificate2 other = _house.Own.IssueMiner("rig-2");
        await using (TlsMiner wrong = await _house.ConnectAsync(hub, other))
        {
            await wrong.Miner.SendAsync(new Hello(1, [], "rig-1", key, null));
            Goodbye goodbye = await wrong.Miner.ExpectGoodbyeAsync(CloseReason.BadCredentials);
            Assert.Contains("does not name this miner", goodbye.Detail, StringComparison.Ordinal);
        }
        await using TlsMiner bare = await _house.ConnectAsync(hub);
        await bare.Miner.EnrolAsync("rig-1", key);
    }

    /// <summary>The handshake must fail: with TLS 1.3 a client sees it when it reads.</summary>
    private async Task ExpectStrangerAsync(TestHub hub, X509Certificate2? certificate) => _ = await Assert.ThrowsAnyAsync<Exception>(async () =>
    {
        await using TlsMiner miner = await _house.ConnectAsync(hub, certificate);
        await miner.Miner.HelloAsync("rig-1", "k");
    });
}
