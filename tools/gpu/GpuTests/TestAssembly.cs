using System.Reflection;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace Handwritten.Tools.GpuTests;

/// <summary>Runs tests of an assembly in this process, by xunit's own framework and without its runners, which want an SDK.</summary>
internal static class TestAssembly
{
    /// <summary>Runs the tests whose full name is wanted, and counts how they end.</summary>
    public static void Run(Assembly assembly, Predicate<string> wanted, TestTally tally)
    {
        using XunitTestFramework framework = new(new Sink());
        Options options = new();
        Sink discovered = new();
        using ITestFrameworkDiscoverer discoverer = framework.GetDiscoverer(Reflector.Wrap(assembly));
        discoverer.Find(includeSourceInformation: false, discovered, options);
        discovered.WaitFor<IDiscoveryCompleteMessage>();
        ITestCase[] cases =
        [
            .. discovered.Messages.OfType<ITestCaseDiscoveryMessage>().Select(message => message.TestCase)
                .Where(test => wanted($"{test.TestMethod.TestClass.Class.Name}.{test.TestMethod.Method.Name}")),
        ];
        if (cases.Length > 0)
        {
            Sink executed = new(tally.Count);
            using ITestFrameworkExecutor executor = framework.GetExecutor(assembly.GetName());
            executor.RunTests(cases, executed, options);
            executed.WaitFor<ITestAssemblyFinished>();
        }
    }

    private sealed class Sink(Action<IMessageSinkMessage>? look = null) : IMessageSink
    {
        private readonly Lock _gate = new();
        private readonly List<IMessageSinkMessage> _messages = [];

        public IReadOnlyList<IMessageSinkMessage> Messages => _messages;

        public bool OnMessage(IMessageSinkMessage message)
        {
            lock (_gate)
            {
                look?.Invoke(message);
                _messages.Add(message);
            }

            return true;
        }

        public void WaitFor<T>()
        {
            while (true)
            {
                lock (_gate)
                {
                    if (_messages.OfType<T>().Any())
                    {
                        return;
                    }
                }

                Thread.Sleep(20);
            }
        }
    }

    private sealed class Options : ITestFrameworkDiscoveryOptions, ITestFrameworkExecutionOptions
    {
        private readonly Dictionary<string, object?> _values = [];

        public TValue GetValue<TValue>(string name) => _values.TryGetValue(name, out object? value) && value is TValue known ? known : default!;

        public void SetValue<TValue>(string name, TValue value) => _values[name] = value;
    }
}
