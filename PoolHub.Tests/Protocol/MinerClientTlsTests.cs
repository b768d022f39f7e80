using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using PoolHub.Protocol;
using PoolHub.Protocol.Client;
using PoolHub.Protocol.Wire;

namespace PoolHub.Tests.Protocol;

public sealed class MinerClientTlsTests
{
    [Fact]
    public async Task MinerClient_over_tls_leaves_neither_it_nor_the_goodbye_behind()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 certificate = new CertificateRequest("CN=hub", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        await using ScriptedHub hub = ScriptedHub.OverTcp();
        var address = new UriBuilder(hub.Address) { Scheme = "tcps" }.Uri;
        await using var miner = RunningMiner.Start(address, options => options with
        {
            CheckHubCertificate = (_, shown, _, _) => shown!.GetCertHashString() == certificate.GetCertHashString(),
        });
        HubConversation conversation = await hub.AcceptTlsAsync(certificate);
        _ = await conversation.ExpectAsync<Hello>();
        await conversation.SendAsync(new Welcome(1, [], "t", 1, 60, 15, Resumed: false));
        _ = await conversation.ExpectAsync<Register>();
        await conversation.SendAsync(new Registered(60, 15));
        _ = await miner.UntilAsync(MinerClientState.Online);
        await conversation.SendAsync(new Command(1, CommandKind.Reconnect, Addr: "tcp://elsewhere:8204"));
        Assert.Equal(new CommandAck(1, false, "the miner does not leave TLS"), await conversation.ExpectAsync<CommandAck>());
        miner.Leave();
        Assert.Equal(CloseReason.Leaving, (await conversation.ExpectAsync<Goodbye>()).Reason);
        await conversation.ExpectEndAsync();
        await conversation.DisposeAsync();
        await miner.EndAsync();
    }

    [Fact]
    public async Task MinerClient_over_tls_does_not_trust_a_stranger()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 certificate = new CertificateRequest("CN=hub", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        await using ScriptedHub hub = ScriptedHub.OverTcp();
        await using var miner = RunningMiner.Start(new UriBuilder(hub.Address) { Scheme = "tcps" }.Uri);
        _ = await Record.ExceptionAsync(async () => await (await hub.AcceptTlsAsync(certificate)).ExpectAsync<Hello>());
        Assert.Contains("certificate", (await miner.UntilAsync(MinerClientState.BackingOff)).Detail, StringComparison.Ordinal);
    }
}
