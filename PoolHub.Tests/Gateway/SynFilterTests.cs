using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using PoolHub.Daemon.Access;
using PoolHub.Daemon.Gateway;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Gateway;

/// <summary>The kernel drops those who are shut out and nobody else.</summary>
public sealed class SynFilterTests
{
    [Fact]
    public void Program_drops_those_and_no_others()
    {
        var random = new Random(7);
        for (int round = 0; round < 200; round++)
        {
            // 140 fit in any case: with IPv6 fewer do.
            IPAddress[] dropped = [.. Enumerable.Range(0, random.Next(1, 600)).Select(_ => Address(random))];
            ulong[] program = SynFilter.Program(dropped.Select(AddressBlock.Of));
            Assert.All(dropped.Take(140), address => Assert.False(LetsThrough(program, address), $"{address}"));
            IPAddress[] others = [.. Enumerable.Range(0, 100).Select(_ => Address(random)).Concat(dropped.Take(140).Select(Neighbour))];
            Assert.All(
                others.Where(address => !dropped.Select(AddressBlock.Of).Contains(AddressBlock.Of(address))),
                address => Assert.True(LetsThrough(program, address), $"{address}"));
        }
    }

    [Theory]
    [InlineData("127.0.7.7", "127.0.7.8", 0)]
    [InlineData("127.0.7.7", "127.0.7.8", SynFilter.MaxAddresses)]
    [InlineData("::1", "127.0.7.8", 100)]
    public async Task Kernel_takes_it_and_lets_them_in_again_without_it(string dropped, string other, int more)
    {
        using var listening = new Socket(SocketType.Stream, ProtocolType.Tcp);
        listening.DualMode = true;
        listening.Bind(new IPEndPoint(IPAddress.IPv6Any, 0));
        listening.Listen();
        var random = new Random(7);
        AddressBlock[] addresses = [AddressBlock.Of(IPAddress.Parse(dropped)), .. Enumerable.Range(0, more).Select(_ => AddressBlock.Of(new IPAddress(random.Next())))];
        Assert.True(SynFilter.Attach(listening, addresses));
        // One takes the place of the other, as it does every second.
        Assert.True(SynFilter.Attach(listening, addresses));
        using Socket shutOut = Connect(listening, dropped, out Task connecting);
        using Socket let = Connect(listening, other, out Task connected);
        await connected.WaitAsync(TestHub.Patience, TestContext.Current.CancellationToken);
        Assert.False(connecting.IsCompleted);
        Assert.True(SynFilter.Detach(listening));
        // What was dropped is sent again after a second.
        await connecting.WaitAsync(TestHub.Patience, TestContext.Current.CancellationToken);
    }

    private static Socket Connect(Socket listening, string from, out Task connecting)
    {
        var address = IPAddress.Parse(from);
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(address, 0));
        IPAddress loopback = address.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Loopback : IPAddress.Loopback;
        connecting = socket.ConnectAsync(loopback, ((IPEndPoint)listening.LocalEndPoint!).Port);
        return socket;
    }

    private static IPAddress Address(Random random)
    {
        byte[] bytes = new byte[random.Next(4) == 0 ? 16 : 4];
        random.NextBytes(bytes);
        return new IPAddress(bytes);
    }

    /// <summary>An address of the next block.</summary>
    private static IPAddress Neighbour(IPAddress address)
    {
        byte[] bytes = address.GetAddressBytes();
        bytes[bytes.Length == 4 ? 3 : 7] ^= 1;
        return new IPAddress(bytes);
    }

    /// <summary>bpf(4), as far as the program goes, over the header of a packet.</summary>
    private static bool LetsThrough(ulong[] program, IPAddress source)
    {
        byte[] address = source.GetAddressBytes();
        byte[] header = new byte[40];
        header[0] = (byte)(address.Length == 4 ? 0x45 : 0x60);
        address.CopyTo(header, address.Length == 4 ? 12 : 8);
        uint a = 0;
        uint[] stored = new uint[16];
        for (int at = 0; ; at++)
        {
            ulong instruction = program[at];
            uint number = (uint)(instruction >> 32);
            int yes = (byte)(instruction >> 16), no = (byte)(instruction >> 24);
            switch ((ushort)instruction)
            {
                case 0x30:
                    a = header[number - 0xFFF0_0000];
                    break;
                case 0x20:
                    a = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan((int)(number - 0xFFF0_0000)));
                    break;
                case 0x02:
                    stored[number] = a;
                    break;
                case 0x60:
                    a = stored[number];
                    break;
                case 0x74:
                    a >>= (int)number;
                    break;
                case 0x05:
                    at += (int)number;
                    break;
                case 0x15:
                    at += a == number ? yes : no;
                    break;
                case 0x06:
                    return number != 0;
                default:
                    throw new InvalidOperationException($"instruction {instruction:x16}");
            }
        }
    }
}
