using System.IO.Pipelines;
using System.Net.WebSockets;
using PoolHub.Daemon.Access;
using PoolHub.Daemon.Registry;
using PoolHub.Daemon.Sessions;
using PoolHub.Daemon.Storage;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Attack;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Sessions;

/// <summary>docs/operations.md, "Enrolment and keys": what a revoked miner has open ends, and it is told why.</summary>
public sealed class RevocationTests
{
    private const string Why = "the miner's key was revoked";
    private static readonly byte[] s_key = [.. Enumerable.Repeat((byte)5, 32)];

    [Fact]
    public async Task Live_session_of_a_revoked_miner_ends_with_the_reason()
    {
        await using TestHub hub = await TestHub.StartAsync();
        WsMiner web = await hub.ConnectWebAsync(await hub.RegisterAsync("web"));
        await web.SendTextAsync("""{"queue_len":0}""");
        _ = await web.ExpectTextAsync("ack");
        TcpMiner tcp = await hub.EnrolAsync("tcp");
        await RevokeAsync(hub, "web");
        await web.ExpectGoodbyeAsync(CloseReason.KeyRevoked, WebSocketMessageType.Text);
        await RevokeAsync(hub, "tcp");
        Assert.Equal(Why, (await tcp.ExpectGoodbyeAsync(CloseReason.KeyRevoked)).Detail);
        Assert.Empty(await hub.MatchAsync());
    }

    [Fact]
    public async Task Token_of_a_revoked_miner_is_refused_with_the_reason_until_it_has_another_key()
    {
        await using TestHub hub = await TestHub.StartAsync();
        string token = await hub.RegisterAsync("m");
        await RevokeAsync(hub, "m");
        foreach (Answer answer in (Answer[])
            [
                await hub.Http.PostAsync("/v1/miners/update", """{"queue_len":0}""", ("X-PoolHub-Session", token)),
                await hub.Http.GetAsync("/v1/miners/lease/renew", ("X-PoolHub-Session", token)),
            ])
        {
            Assert.Equal(Why, answer.Expect(401).Read(HubJson.Default.Problem).Detail);
        }
        TcpMiner miner = await hub.ConnectAsync();
        await miner.SendAsync(new Hello(1, [], "m", null, token));
        _ = await miner.ExpectGoodbyeAsync(CloseReason.KeyRevoked);
        _ = await Assert.ThrowsAsync<WebSocketException>(() => hub.ConnectWebAsync(token));

        _ = await hub.RegisterAsync("m");
        (await hub.Http.GetAsync("/v1/miners/lease/renew", ("X-PoolHub-Session", token))).Expect(409);
    }

    /// <summary>As after a crash between the two writes of a revocation.</summary>
    [Fact]
    public async Task Token_is_worth_nothing_where_only_the_keys_revocation_was_stored()
    {
        await using HubParts hub = NewHub(revoked: true);
        Conversation conversation = Connect(hub, new Pipe());
        Assert.Equal(CloseReason.KeyRevoked, hub.Table.Resume(Token(hub), Peer.Unknown, conversation.Channel).Refusal);
        Assert.Equal(CloseReason.KeyRevoked, hub.Table.Resume(Token(hub), Peer.Unknown, channel: null).Refusal);
    }

    [Fact]
    public async Task Socket_that_resumes_at_the_goodbye_of_the_one_before_does_not_stay_open()
    {
        await using HubParts hub = NewHub(revoked: false);
        // Whoever reads it goes on within the writing.
        var answers = new Pipe(new PipeOptions(
            readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, useSynchronizationContext: false));
        Channel before = Connect(hub, answers).Channel;
        Channel after = Connect(hub, new Pipe()).Channel;
        Assert.NotNull(hub.Table.Resume(Token(hub), Peer.Unknown, before).Session);
        Task<Admission> resuming = ResumeAtGoodbyeAsync();
        await hub.Table.RevokeAsync("m");
        Assert.True(before.Closing);
        Assert.True((await resuming).Session is null || after.Closing, "it stays open");

        async Task<Admission> ResumeAtGoodbyeAsync()
        {
            _ = await answers.Reader.ReadAsync();
            return hub.Table.Resume(Token(hub), Peer.Unknown, after);
        }
    }

    private static async Task RevokeAsync(TestHub hub, string minerId) =>
        (await hub.Admin.SendAsync(HttpMethod.Delete, $"/v1/miners/{minerId}/key", null)).Expect(200);

    private static Conversation Connect(HubParts hub, Pipe answers) =>
        hub.Conversations.Open(Transport.Tcp, answers.Writer, completes: false, static () => { });

    private static string Token(HubParts hub)
    {
        var tokens = new SessionTokens(new byte[32], hub.Time);
        return tokens.Create(new TokenClaims("m", 7, tokens.GenerationOf(s_key)));
    }

    private static HubParts NewHub(bool revoked)
    {
        var hub = new HubParts(new RegistryOptions(FlapLimitPerMin: 0), new ForgetfulStore());
        DateTimeOffset now = hub.Time.GetUtcNow();
        StoredMiner[] stored =
            [new("m", Samples.Profile, 7, 7, new StoredKeys(revoked ? null : s_key, RevokedAt: revoked ? now : null), TrustState.None, null, now, now)];
        hub.Keys.Load(stored);
        hub.Registry.Load(stored);
        return hub;
    }
}
